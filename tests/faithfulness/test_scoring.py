"""Scoring: every metric of the kind gives a score, decisive ones first, none silently missing."""

import logging

import pytest

from pellucid import registry
from pellucid.budget import Cost, Meter
from pellucid.errors import EnvError
from pellucid.explanation import Attribution, Finding, Segments, Sentences, explainer, metric
from pellucid.faithfulness import REGISTRY, thresholds
from pellucid.faithfulness.badges import decide
from pellucid.faithfulness.scoring import score_finding
from tests.faithfulness.cases import WEIGHTS, cues, ranked, shapley_fn, signs, stretches

SENTENCES = Sentences("s", "w", "t", "f", "n", "d")


def _info(kind, *decisive, axioms=("symmetry",)):
    class Toy:
        pass

    tag = explainer(
        "toy",
        leaf="C2",
        kind=kind,
        decisive=decisive,
        source="none",
        question="?",
        sentences=SENTENCES,
        axioms=axioms,
    )
    return tag(Toy).info


ATTRIBUTION = _info(Attribution, "masked_return", "deletion")


def _scored(agent, episodes, content, info=ATTRIBUTION, *, budget=Cost(10**6, 10**6), **finding):  # noqa: B008
    meter = Meter(budget)
    made = Finding(question="?", content=content, facts={}, **finding)
    scores = score_finding(
        made,
        info,
        agent=agent,
        episodes=episodes,
        meter=meter,
        policy="greedy",
        seed=0,
        jobs=1,
        explain_fn=shapley_fn,
    )
    decision = decide(scores, info, made, rerun_possible=episodes.spec is not None)
    return scores, decision, meter


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_every_metric_is_registered_with_its_contract(name):
    loaded = registry.load("metrics", name)
    assert loaded.info.name == name
    assert loaded.info.direction in ("higher", "lower")
    assert loaded.info.label
    assert loaded.info.source
    assert loaded.__doc__


def test_an_honest_ranking_of_a_linear_agent_is_supported():
    scores, decision, meter = _scored(*_ranked_signs((9, 3, 1, 0)))
    assert [s.metric for s in scores] == [
        "masked_return",
        "deletion.resample",
        "deletion.conditional",
        "deletion.mean",
        "planted_inputs.dummy",
        "planted_inputs.copy",
        "weight_randomisation",
        "insertion.resample",
        "insertion.conditional",
        "insertion.mean",
    ]
    # recorded states alone are weak evidence where the environment can be run
    told = ["supported", *["weak"] * 3, *["supported"] * 3, *["weak"] * 3]
    assert [s.badge for s in scores] == told
    assert (decision.badge, decision.decisive.metric) == ("supported", "masked_return")
    assert meter.used.fits(meter.allowed)
    assert all(s.reason for s in scores)


def test_f41_a_reversed_ranking_fails():
    _, decision, _ = _scored(*_ranked_signs((0, 1, 3, 9)))
    assert decision.badge == "failed"


def test_without_an_environment_logged_states_decide():
    agent, episodes, _ = _ranked_signs((9, 3, 1, 0))
    logs = type(episodes)(episodes.attempted, None, episodes.names, -1, "greedy")
    scores, decision, _ = _scored(agent, logs, ranked(logs, (9, 3, 1, 0)))
    by_name = {s.metric: s for s in scores}
    assert (by_name["masked_return"].badge, by_name["masked_return"].applicable) == (
        "not_measured",
        False,
    )
    assert by_name["masked_return"].need == "give the environment"
    assert (decision.badge, decision.decisive.metric) == ("supported", "deletion.resample")


def test_a_budget_too_small_for_the_decisive_test_is_said_and_leaves_weak():
    agent, episodes, content = _ranked_signs((9, 3, 1, 0))
    scores, decision, meter = _scored(agent, episodes, content, budget=Cost(10**6, 100))
    masked = scores[0]
    assert (masked.metric, masked.badge, masked.applicable) == (
        "masked_return",
        "not_measured",
        True,
    )
    assert "environment steps" in masked.need
    assert (decision.badge, decision.decisive.metric) == ("weak", "deletion.resample")
    assert meter.used.env_steps == 0


def test_f36_no_budget_leaves_every_score_with_a_reason_and_a_need():
    agent, episodes, content = _ranked_signs((9, 3, 1, 0))
    scores, decision, meter = _scored(agent, episodes, content, budget=Cost(0, 0))
    assert {s.metric for s in scores} == {
        "masked_return",
        "deletion",
        "planted_inputs",
        "weight_randomisation",
        "insertion.resample",
        "insertion.conditional",
        "insertion.mean",
    }
    assert all(s.badge == "not_measured" and s.reason and s.need for s in scores)
    assert (decision.badge, decision.reason, decision.need) == (
        "not_measured",
        scores[0].reason,
        scores[0].need,
    )
    assert meter.used == Cost()


@pytest.mark.parametrize("budget", [1, 10, 100, 1000, 10_000])
def test_f36_no_budget_is_exceeded(budget):
    agent, episodes, content = _ranked_signs((9, 3, 1, 0))
    _, _, meter = _scored(agent, episodes, content, budget=Cost(budget, budget))
    assert meter.used.fits(meter.allowed)


def test_stretches_get_both_controls_and_the_lower_decides():
    agent, episodes = cues()
    info = _info(Segments, "step_drop")
    scores, decision, _ = _scored(agent, episodes, stretches(episodes, 5, 12), info)
    assert [s.metric for s in scores] == ["step_drop.random", "step_drop.lowest"]
    assert decision.badge == "supported"
    _, incomplete, _ = _scored(agent, episodes, stretches(episodes, 5, 12), info, complete=False)
    assert incomplete.badge == "weak"


def test_a_metric_that_raises_is_a_score_with_a_reason_and_a_log_line(monkeypatch, caplog):
    def register(error):
        @metric(
            "step_drop",
            kind=Segments,
            label="a test",
            direction="higher",
            unit="replay",
            source="none",
            closed_loop=True,
        )
        def broken(check):
            raise error

        found = ({"step_drop": broken}, [])
        monkeypatch.setattr("pellucid.registry.load_all", lambda family: found)

    agent, episodes = cues()
    info, content = _info(Segments, "step_drop"), stretches(episodes, 5, 12)
    register(ZeroDivisionError("by nothing"))
    with caplog.at_level(logging.ERROR):
        (score,), decision, _ = _scored(agent, episodes, content, info)
    assert (score.badge, decision.badge) == ("not_measured", "not_measured")
    assert score.reason == "the test raised ZeroDivisionError: by nothing"
    assert score.applicable
    assert "step_drop raised" in caplog.text
    register(EnvError("the environment raised", hint="fix it"))
    (score,), _, _ = _scored(agent, episodes, content, info)
    assert (score.reason, score.need) == ("the environment raised", "fix it")
    register(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        _scored(agent, episodes, content, info)


def test_f43_same_seed_same_scores():
    first, second = (_scored(*_ranked_signs((9, 3, 1, 0), 5))[0] for _ in range(2))
    assert first == second


def test_small_counts_are_words():
    assert [thresholds.in_words(n) for n in (0, 4, 10, 11)] == ["no", "four", "ten", "11"]


def _ranked_signs(importance, n_episodes=12):
    agent, episodes = signs(n_episodes, weights=WEIGHTS)
    return agent, episodes, ranked(episodes, importance)
