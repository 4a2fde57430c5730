"""Do every test of a stored run again, from what is stored, and compare."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from pellucid.agents import load_agent
from pellucid.agents.function import NAME as FUNCTION
from pellucid.agents.loading import spaces_of
from pellucid.agents.normalisation import statistics_in
from pellucid.agents.spaces import from_json
from pellucid.api.explaining import explain
from pellucid.api.locating import read_card
from pellucid.api.request import options_of
from pellucid.api.run_folder import AGENT, EPISODES, EXPLANATIONS, RunFolder, read_run
from pellucid.api.team_runs import team_of_run
from pellucid.api.turns import taking_turns
from pellucid.envs import EnvSpec
from pellucid.envs.fitting import fitted, foreign_code, resolve_env
from pellucid.errors import DataError, InputError
from pellucid.explanation import Explanation, Interval, Score, not_measured
from pellucid.explanation.storage import load_explanation
from pellucid.io import atomic
from pellucid.io.imports import is_import_string
from pellucid.rollouts import Episodes, load_episodes
from pellucid.types import Agent

ROUNDING = 1e-9
"""Relative slack at the ends of an interval; intervals of equal units have no width."""
CONTENT_TOLERANCE = 1e-3
"""Relative difference up to which an explanation counts as made again the same."""


@dataclass(frozen=True)
class Recheck:
    """One score, as stored and as measured again.

    Args:
        method: Method of the explanation.
        metric: Name of the score.
        stored: As it was stored.
        now: As it is now.
        inside: The new value lies in the stored interval, or both were not measured.
        reason: Why it is not measured now; empty if it is.
    """

    method: str
    metric: str
    stored: Interval
    now: Interval
    inside: bool
    reason: str = ""


@dataclass(frozen=True)
class Evaluation:
    """What came of doing all tests of a run again.

    Args:
        folder: The run.
        run_id: Its id.
        rows: One per stored score.
        differing: Methods whose explanation did not come out the same again.
        seconds: Wall time.
    """

    folder: Path
    run_id: str
    rows: tuple[Recheck, ...]
    differing: tuple[str, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether every score stayed within its stored interval."""
        return all(row.inside for row in self.rows)

    def document(self) -> dict[str, Any]:
        """Return the outcome as plain JSON values."""
        return {
            "run": self.run_id,
            "folder": str(self.folder),
            "passed": self.passed,
            "rows": [
                {
                    "method": row.method,
                    "metric": row.metric,
                    "stored": _interval(row.stored),
                    "now": _interval(row.now),
                    "inside": row.inside,
                    "reason": row.reason,
                }
                for row in self.rows
            ],
            "differing": list(self.differing),
            "seconds": self.seconds,
        }


@taking_turns
def evaluate(
    folder: str | Path,
    *,
    agent: Any = None,
    env: Any = None,
    code: Sequence[str] = (),
    jobs: int = 1,
    device: str = "cpu",
    progress: Callable[[str, float], None] | None = None,
) -> Evaluation:
    """Explain and test again with the stored agent, episodes, seeds and budgets.

    Calls from several threads take turns.

    The file that the agent came from is not needed. A run that needs code of yours (a function as
    agent, an environment or a wrapper of your own) names it in files that may come from anyone;
    it is imported only if you name it too.

    Args:
        folder: A run folder.
        agent: The agent, if it was a function or a module that a run folder cannot hold.
        env: The environment, if it was made by code in memory.
        code: Each `module:callable` that may be imported.
        jobs: Worker processes; results do not depend on it.
        device: Device of the agent's weights.
        progress: Called with the method that is worked on and the share done.

    Raises:
        InputError: It is no run folder, or needs code that was not named.
        DataError: A stored part is missing, damaged or was changed after the run.
    """
    started = time.perf_counter()
    run = read_run(Path(folder))
    agent, episodes = _stored(run, agent, env, code, device)
    rows: list[Recheck] = []
    differing = []
    tell = progress or (lambda part, share: None)
    for method, stored in _stored_explanations(run):
        again = explain(
            agent,
            episodes,
            method=method,
            target=stored.target,
            policy=stored.policy,
            seed=stored.seed,
            budget=stored.allowed,
            jobs=jobs,
            options=options_of(method, run.head["inputs"]["options"]),
            progress=_part_progress(tell, method),
            command=f"evaluate {run.run_id}",
        )
        rows += compare(stored, again)
        if not same_content(stored.content, again.content):
            differing.append(method)
    seconds = time.perf_counter() - started
    return Evaluation(run.path, run.run_id, tuple(rows), tuple(differing), seconds)


def compare(stored: Explanation, again: Explanation) -> list[Recheck]:
    """Return one row for each stored score."""
    now = {score.metric: score for score in again.faithfulness}
    return [
        _row(stored.method, score, now.get(score.metric), again) for score in stored.faithfulness
    ]


def within(stored: Interval, now: Interval) -> bool:
    """Whether a new value lies in a stored interval; what is not measured must never have been."""
    if not stored.measured:
        return True
    if not now.measured:
        return False
    if math.isnan(stored.low) or math.isnan(stored.high):
        return math.isclose(stored.value, now.value, rel_tol=ROUNDING, abs_tol=ROUNDING)
    slack = ROUNDING * max(1.0, abs(stored.low), abs(stored.high))
    return stored.low - slack <= now.value <= stored.high + slack


def same_content(stored: Any, again: Any) -> bool:
    """Whether two explanations say the same, numbers within `CONTENT_TOLERANCE`."""
    if stored is None or again is None:
        return stored is None and again is None
    if type(stored) is not type(again):
        return False
    return all(_same_value(getattr(stored, f.name), getattr(again, f.name)) for f in fields(stored))


def _same_value(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return _same_value(np.array([one]), np.array([other]))
    if not isinstance(one, np.ndarray) or not isinstance(other, np.ndarray):
        return bool(one == other)
    if one.shape != other.shape:
        return False
    if one.dtype.kind != "f":
        return bool(np.array_equal(one, other))
    scale = float(np.nanmax(np.abs(one), initial=0.0)) if one.size else 0.0
    return bool(
        np.allclose(
            one,
            other,
            rtol=CONTENT_TOLERANCE,
            atol=CONTENT_TOLERANCE * scale,
            equal_nan=True,
        )
    )


def _row(method: str, stored: Score, now: Score | None, again: Explanation) -> Recheck:
    interval = now.interval if now is not None else not_measured()
    reason = ""
    if not interval.measured:
        reason = now.reason if now is not None else again.reason or "the test was not made"
    return Recheck(
        method,
        stored.metric,
        stored.interval,
        interval,
        within(stored.interval, interval),
        reason,
    )


def _part_progress(tell: Callable[[str, float], None], part: str) -> Callable[[float], None]:
    return lambda share: tell(part, share)


# --- what is stored ---


def _stored(
    run: RunFolder, agent: Any, env: Any, code: Sequence[str], device: str
) -> tuple[Agent, Episodes]:
    for name in (EPISODES, AGENT):
        if run.part(name) is None:
            raise InputError(
                f"{run.path} holds no {name}: its state is {run.state!r}",
                hint="finish the run first, with the same --out",
            )
    episodes = load_episodes(run.path / EPISODES)
    if run.head["inputs"].get("team"):
        return team_of_run(run, episodes, code, device)
    source: Any = agent if agent is not None else run.path / AGENT
    card = read_card(run.path / AGENT)
    if agent is None and card.get("adapter") == FUNCTION:
        source = card.get("source")
        if not isinstance(source, str) or not is_import_string(source):
            raise InputError(
                f"the agent {card.get('name')!r} was code in memory, which a run cannot hold",
                hint="from Python: pellucid.evaluate(folder, agent=...)",
            )
    _check_code(named_code(source, episodes.spec if env is None else None), code)
    if env is not None:
        spec = resolve_env(env)
        seen = load_agent(source, env=spec, device=device, code=code).observation_space
        episodes = replace(episodes, spec=fitted(spec, seen))
    if run.head["inputs"].get("log"):
        return _of_a_log(run, source, card, code, device), episodes
    if episodes.spec is None:
        raise InputError(
            f"the environment {run.head['inputs'].get('env')!r} was made by code in memory, "
            "which a run cannot hold",
            hint="from Python: pellucid.evaluate(folder, env=...)",
        )
    # an agent that is code is loaded anew, without what its card holds
    anew = source != run.path / AGENT
    statistics = None
    if anew:
        space = spaces_of(episodes.spec).observation
        statistics = statistics_in(card, space, where=str(run.path / AGENT))
    loaded = load_agent(source, env=episodes.spec, device=device, code=code, normalize=statistics)
    return loaded, episodes


def _of_a_log(
    run: RunFolder, source: Any, card: Mapping[str, Any], code: Sequence[str], device: str
) -> Agent:
    """Return the agent of a run on recorded episodes; the stored card tells its spaces."""
    where = str(run.path / AGENT)
    described = SimpleNamespace(
        observation_space=from_json(card.get("observation_space"), where=where),
        action_space=from_json(card.get("action_space"), where=where),
    )
    anew = source != run.path / AGENT
    space = described.observation_space
    statistics = statistics_in(card, space, where=where) if anew else None
    loaded: Agent = load_agent(
        source, env=described, device=device, code=code, normalize=statistics
    )
    return loaded


def _stored_explanations(run: RunFolder) -> list[tuple[str, Explanation]]:
    found = []
    for method in run.head["inputs"]["methods"]:
        name = f"{EXPLANATIONS}/{atomic.safe_name(method)}"
        if run.part(name) is not None:
            stored = load_explanation(run.path / name)
            if stored.method != method:
                raise DataError(f"{run.path / name} is an explanation by {stored.method!r}")
            found.append((method, stored))
    if not found:
        raise InputError(f"{run.path} holds no explanation: its state is {run.state!r}")
    return found


def named_code(source: Any, spec: EnvSpec | None) -> list[str]:
    """Return every `module:callable` that a stored run names, in order."""
    named = [source] if isinstance(source, str) else []
    if spec is not None:
        named += [name for name in (spec.id, *spec.wrappers) if ":" in name]
        # what pellucid itself put around an environment is no code of a stranger
        named = foreign_code(named)
        named += [spec.reward_terms] if spec.reward_terms is not None else []
    return list(dict.fromkeys(named))


def _check_code(named: Sequence[str], allowed: Sequence[str]) -> None:
    unknown = [name for name in named if name not in allowed]
    if unknown:
        options = " ".join(f"--code {name}" for name in unknown)
        raise InputError(
            f"the stored run needs code that is not in it: {', '.join(unknown)}",
            hint=f"if you trust it, add {options}",
        )


def _interval(interval: Interval) -> dict[str, Any]:
    return {
        "value": interval.value,
        "low": interval.low,
        "high": interval.high,
        "n": interval.n,
        "n_unscored": interval.n_unscored,
    }
