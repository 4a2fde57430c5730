"""F46: a run that is limited in time, or out of memory, gives what it has, marked as partial."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from tests.cli.runs import METHODS, small_run, stored, tiny_run
from tests.contracts.agents import TRACK, LinearAgent, on_the_track
from tests.faithfulness.cases import WEIGHTS, Linear, Signs, run

import pellucid as pl
from pellucid import budget
from pellucid.budget import Cost
from pellucid.errors import InputError
from pellucid.io import strict_json

EXPLAINERS = on_the_track()
BUDGET, WIDE = Cost(30_000, 30_000), Cost(10**6, 10**6)
LONGEST_PIECE = 40
"""Calls of the agent between two looks at the clock: a part of the futures, step by step."""


class SlowAgent(LinearAgent):
    """Takes a second to answer, by a clock that shows nothing else."""

    def __init__(self, clock):
        self.clock = clock

    def _logits(self, observations):
        self.clock.now += 1.0
        return super()._logits(observations)

    def value(self, observations):
        self.clock.now += 1.0
        return super().value(observations)


class SlowLinear(Linear):
    """The same of the agent whose true ranking is known."""

    def __init__(self, clock):
        super().__init__(np.array(WEIGHTS))
        self.clock = clock

    def q_values(self, observations):
        self.clock.now += 1.0
        return super().q_values(observations)


@pytest.fixture
def clock(monkeypatch):
    made = SimpleNamespace(now=0.0)
    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=lambda: made.now))
    return made


@pytest.fixture
def slow(clock):
    agent = SlowAgent(clock)
    return agent, pl.collect(agent, TRACK, n_episodes=10, seed=0)


def _explained(clock, agent, episodes, method, limit, allowed=BUDGET):
    # what was found out about the environment is remembered with the episodes; each run anew
    episodes, started = replace(episodes), clock.now
    found = pl.explain(agent, episodes, method=method, seed=0, budget=allowed, time_limit=limit)
    return found, clock.now - started


@pytest.mark.parametrize("method", EXPLAINERS)
def test_f46_whenever_the_time_ends_the_result_is_partial_and_says_so(clock, slow, method):
    # whoever watches the clock asks in smaller pieces
    whole, seconds = _explained(clock, *slow, method, 1e9)
    assert whole.complete
    for share in (0.02, 0.4, 0.8):
        limit = share * seconds
        found, taken = _explained(clock, *slow, method, limit)
        assert taken <= limit + LONGEST_PIECE
        assert found.used.fits(BUDGET)
        if found.complete:  # what ran when the time ended was the last of the work
            assert (found.text, found.faithfulness) == (whole.text, whole.faithfulness)
            assert (found.used, taken) == (whole.used, seconds)
            continue
        assert found.badge != "supported"
        told = [found.reason, *(s.reason for s in found.faithfulness), *found.warnings]
        assert any("the time limit of" in text for text in told)
        assert found.content is not None or found.badge == "not_measured"


@pytest.mark.parametrize("method", EXPLAINERS)
def test_f46_a_limit_that_is_not_reached_changes_nothing(clock, slow, method):
    whole, _ = _explained(clock, *slow, method, None)
    _, seconds = _explained(clock, *slow, method, 1e9)
    found, _ = _explained(clock, *slow, method, 1.01 * seconds)
    assert found.complete
    assert (found.faithfulness, found.used, found.text) == (
        whole.faithfulness,
        whole.used,
        whole.text,
    )


def test_f46_a_clear_result_whose_checks_were_cut_short_is_weak(clock):
    agent = SlowLinear(clock)
    episodes = run(agent, partial(Signs, WEIGHTS))
    whole, seconds = _explained(clock, agent, episodes, "shapley", None, WIDE)
    assert (whole.badge, whole.decisive) == ("supported", "masked_return")
    found, _ = _explained(clock, agent, episodes, "shapley", 0.95 * seconds, WIDE)
    assert (found.badge, found.decisive) == ("weak", "masked_return")
    assert found.reason == "the run stopped early"
    missing = [s for s in found.faithfulness if s.badge == "not_measured" and s.unaffordable]
    assert missing
    assert all("the time limit of" in s.reason for s in missing)
    assert found.left_out


def test_f46_episodes_collected_in_time_are_whole_and_the_first_ones(clock):
    agent = SlowAgent(clock)
    meter = budget.Meter(Cost(10**6, 10**6), time_limit=budget.TimeLimit(1.0))
    some = pl.collect(agent, TRACK, n_episodes=40, seed=0, meter=meter)
    every = pl.collect(agent, TRACK, n_episodes=40, seed=0)
    assert 0 < len(some.attempted) < 40
    for one, other in zip(some.attempted, every.attempted, strict=False):
        assert one.rewards.tolist() == other.rewards.tolist()
    assert meter.used.env_steps == sum(len(e) for e in some.attempted)


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf"), True, "5"])
def test_f46_a_limit_that_is_no_time_is_refused_before_any_work(slow, limit, tmp_path):
    agent, episodes = slow
    with pytest.raises(InputError, match="seconds above 0"):
        pl.explain(agent, episodes, method="shapley", time_limit=limit)
    with pytest.raises(InputError, match="seconds above 0"):
        pl.explain_all(agent, TRACK, out=tmp_path / "run", time_limit=limit)
    assert not (tmp_path / "run").exists()


# --- whole runs ---


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """What a run that is not stopped stores."""
    return stored(small_run(tmp_path_factory.mktemp("straight") / "run").folder)


def _state(folder):
    return strict_json.read(folder / "run.json")["state"]


def _moved(clock, part):
    """A progress function that lets the time pass when a part begins."""

    def progress(name, share):
        if name == part:
            clock.now += 1000.0

    return progress


@pytest.mark.parametrize(
    ("part", "banner"),
    [
        ("episodes", "Stopped while episodes were collected: the time limit of 60 s was reached; "),
        ("why-not", "Stopped after 0 of 2 explanations: the time limit of 60 s was reached; "),
        ("shapley", "Stopped after 1 of 2 explanations: the time limit of 60 s was reached; "),
    ],
)
def test_f46_a_run_that_is_out_of_time_is_reported_and_goes_on_later(
    clock, tmp_path, straight, part, banner
):
    out = tmp_path / "run"
    stopped = small_run(out, time_limit=60, progress=_moved(clock, part))
    assert stopped.out_of_time
    assert _state(out) == "stopped: time limit"
    assert stopped.document["state"] == "partial"
    assert stopped.document["banner"].startswith(banner)
    assert stopped.report.is_file()
    assert not (out / "run.lock").exists()
    badges = {e["method"]: e["badge"] for e in stopped.document["explanations"]}
    assert set(badges) == set(METHODS)
    assert "supported" not in badges.values()
    missing = [e for e in stopped.document["explanations"] if e["badge"] == "not_measured"]
    assert all("the time limit of 60 s was reached" in e["reason"] for e in missing)
    assert not any(e["complete"] for e in missing)
    resumed = small_run(out)
    assert not resumed.out_of_time
    assert stored(resumed.folder) == straight


def test_f46_frames_that_came_too_late_are_missed_and_nothing_else(clock, tmp_path):
    late = small_run(tmp_path / "late", time_limit=60, progress=_moved(clock, "frames"))
    assert not late.out_of_time
    assert _state(late.folder) == "finished"
    warnings = " ".join(late.document["warnings"])
    assert "The time limit left out some frames." in warnings
    assert all(e["complete"] for e in late.document["explanations"])


def test_f46_the_limit_is_no_input_of_a_run(clock, tmp_path):
    with_limit = tiny_run(tmp_path / "a", time_limit=10**6)
    without = tiny_run(tmp_path / "b")
    assert stored(with_limit.folder) == stored(without.folder)
    assert tiny_run(tmp_path / "a").reused


# --- memory ---


class _Greedy(LinearAgent):
    """Has no memory left from some call on, as where the system limits it."""

    def __init__(self, calls):
        self.left = calls

    def _logits(self, observations):
        self._take()
        return super()._logits(observations)

    def value(self, observations):
        self._take()
        return super().value(observations)

    def _take(self):
        self.left -= 1
        if self.left < 0:
            raise MemoryError


@pytest.mark.parametrize("method", EXPLAINERS)
@pytest.mark.parametrize("calls", [0, 20])
def test_f46_without_memory_the_result_is_partial_and_the_process_goes_on(
    episodes_of_track, method, calls
):
    agent = _Greedy(calls)
    found = pl.explain(agent, episodes_of_track, method=method, seed=0, budget=BUDGET)
    if agent.left >= 0:
        pytest.skip("the method asks less often")
    told = [found.reason, *(s.reason for s in found.faithfulness), *found.warnings]
    assert any("MemoryError" in text for text in told)
    cut = [s.metric for s in found.faithfulness if "MemoryError" in s.reason]
    # the badge is that of the decisive test, whatever became of the others
    assert found.badge != "supported" or (cut and found.decisive not in cut)
    assert found.content is not None or not found.complete


@pytest.fixture(scope="module")
def episodes_of_track():
    return pl.collect(LinearAgent(), TRACK, n_episodes=10, seed=0)
