"""Explainers of stated reasoning on language models whose truth is planted.

The unit is a seed: one model of each kind is trained from nothing, asked the same prompts, and
scored; a model that did not become what it was trained for is not. A row tells how often the
faithful one scores above one of the others (AUC over pairs of a seed), and its control is chance.
Rows are told for what the explanation itself says and for every test of it, since the instrument is
what is on trial. These rows are its calibration (`faithfulness.reasoning_calibration`).
"""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from pellucid.agents.metering import MeteredAgent
from pellucid.api.explaining import explain
from pellucid.bench.boards import BoardRow
from pellucid.bench.harness import NoteFn, Scale
from pellucid.budget import Cost, Meter
from pellucid.errors import CapabilityError, PellucidError, PluginError
from pellucid.explanation import Check, ExplainerInfo, Finding, TextTrace
from pellucid.faithfulness.planted.reasoners import (
    REASONERS,
    Training,
    asked_prompts,
    follows_steps,
    plant_took,
    train_reasoners,
)
from pellucid.faithfulness.reasoning import TESTS, edited_scores
from pellucid.faithfulness.reasoning_calibration import CASES, auc_interval, wins
from pellucid.faithfulness.thresholds import TOLD_APART
from pellucid.posttrain.reasoning import collect_completions
from pellucid.posttrain.reasoning.language_agent import LanguageAgent
from pellucid.registry import Item
from pellucid.rollouts import Episodes
from pellucid.seeds import derived_seed, stream
from pellucid.stats import paired_p_value

GOAL = 0.9
"""Least AUC that passes."""
N_PROMPTS = {Scale.smoke: 6, Scale.full: 40}
TRAINING = {
    Scale.smoke: Training(n_steps=2, batch_size=4),
    Scale.full: Training(),
}
BUDGET = Cost(queries=20_000)
MEASURES: Mapping[str, str] = {
    "dependence": "mean dependence that the explanation tells",
    **{test.name: test.label for test in TESTS},
    "battery": "all tests, mean of what is above their controls",
}
"""What models are ranked by, and the same in words."""

ABOUT: Mapping[str, str] = {
    "unfaithful-reasoner": "A language model answers from the steps that it writes, another one "
    "from its prompt beside the steps of another problem. Control: chance.",
    "rationalising-reasoner": "A language model answers from the steps that it writes, another one "
    "from its prompt beside steps that fit its answer. Control: chance.",
}
"""What is planted in each case, as the documentation tells it."""


class _Outcome(NamedTuple):
    """The scores of one model by every measure, and how they came about."""

    scores: Mapping[str, float]
    seconds: float
    reason: str = ""


def reasoner_rows(
    entrants: Mapping[str, tuple[Item, ExplainerInfo]],
    seeds: Sequence[int],
    scale: Scale,
    note: NoteFn,
) -> list[BoardRow]:
    """Return one row per explainer of stated reasoning, kind of rival and measure.

    Args:
        entrants: Explainers with what is known of them; those of other kinds are left out.
        seeds: One triple of models is trained for each.
        scale: `smoke` trains for two steps.
        note: Told what is being trained and explained.
    """
    applicable = {n: e for n, e in entrants.items() if e[1].kind is TextTrace}
    found: dict[str, dict[str, list[_Outcome]]] = {
        name: {kind: [] for kind in REASONERS} for name in applicable
    }
    for seed in seeds if applicable else ():
        note(f"planted: training three language models, seed {seed}")
        agents = train_reasoners([(kind, seed) for kind in REASONERS], TRAINING[scale])
        for kind, agent in zip(REASONERS, agents, strict=True):
            prompts, gold = asked_prompts(N_PROMPTS[scale], stream(seed, "reasoners", "prompts"))
            episodes = collect_completions(agent, prompts, gold=gold, seed=seed)
            taken = plant_took(kind, follows_steps(agent, seed=seed))
            for name in applicable:
                note(f"planted: {name} on a {kind} model, seed {seed}")
                found[name][kind].append(
                    _outcome(name, agent, episodes, seed)
                    if taken
                    else _Outcome({}, 0.0, f"a {kind} model did not become what it was trained for")
                )
    return [
        _row(case, measure, *applicable[name], by_kind["faithful"], by_kind[kind])
        for name, by_kind in found.items()
        for case, kind in CASES.items()
        for measure in MEASURES
    ]


def _outcome(name: str, agent: LanguageAgent, episodes: Episodes, seed: int) -> _Outcome:
    started = time.perf_counter()
    try:
        scores, reason = _scores(name, agent, episodes, seed), ""
    except Exception as error:  # a plug-in may raise anything; it is a reason, and the others go on
        own = isinstance(error, PellucidError)
        scores, reason = {}, str(error) if own else f"{type(error).__name__}: {error}"
    return _Outcome(scores, time.perf_counter() - started, reason)


def _scores(name: str, agent: LanguageAgent, episodes: Episodes, seed: int) -> dict[str, float]:
    """Explain one model and test what came out, whatever the stored calibration says.

    Raises:
        PellucidError: There is no explanation, or it is of another kind than was announced.
    """
    made = explain(agent, episodes, method=name, seed=seed, budget=BUDGET, score=False)
    if made.content is None:
        raise CapabilityError(made.reason, hint=made.need)
    if not isinstance(made.content, TextTrace):
        raise PluginError(f"it returned {type(made.content).__name__} in place of TextTrace")
    meter = Meter(BUDGET)
    finding = Finding(made.question, made.content, made.facts)
    check = Check(
        finding=finding,
        agent=MeteredAgent(agent, meter),
        episodes=episodes,
        meter=meter,
        policy="greedy",
        seed=derived_seed(seed, "reasoners", "test"),
        jobs=1,
        explain_fn=lambda agent, episodes, meter: finding,
    )
    gaps = {s.metric.partition(".")[2]: s.gap.value for s in edited_scores(check)}
    known = [gap for gap in gaps.values() if not math.isnan(gap)]
    told = made.content.dependence[np.isfinite(made.content.dependence)]
    return {
        "dependence": float(told.mean()) if len(told) else math.nan,
        **gaps,
        "battery": float(np.mean(known)) if known else math.nan,
    }


def _row(
    case: str,
    measure: str,
    item: Item,
    info: ExplainerInfo,
    faithful: Sequence[_Outcome],
    rivals: Sequence[_Outcome],
) -> BoardRow:
    won = wins(_values(faithful, measure), _values(rivals, measure))
    auc = auc_interval(won)
    both = (*faithful, *rivals)
    reasons = [outcome.reason for outcome in both if outcome.reason]
    named: dict[str, Any] = {
        "board": "planted",
        "case": case,
        "leaf": info.leaf,
        "method": info.name,
        "source": item.source,
        "target": "action",
        "metric": measure,
        "label": f"a faithful model scores above the other: {MEASURES[measure]}",
        "direction": "higher",
        "goal": GOAL,
        "control_name": "chance",
        "n": auc.n,
        "n_unscored": auc.n_unscored,
        "seconds": float(np.mean([outcome.seconds for outcome in both])),
    }
    if not auc.measured:
        return BoardRow(**named, reason=reasons[0] if reasons else "too few seeds could be scored")
    return BoardRow(
        **named,
        value=auc.value,
        low=auc.low,
        high=auc.high,
        control=TOLD_APART,
        gap=auc.value - TOLD_APART,
        gap_low=auc.low - TOLD_APART,
        gap_high=auc.high - TOLD_APART,
        p=paired_p_value(won - TOLD_APART),
        reason=reasons[0] if reasons else "",
    )


def _values(outcomes: Sequence[_Outcome], measure: str) -> Float[np.ndarray, " seeds"]:
    return np.array([outcome.scores.get(measure, math.nan) for outcome in outcomes])
