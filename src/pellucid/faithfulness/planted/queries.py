"""A planted rule: the agent does one thing where a known predicate holds, and another elsewhere."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from pellucid.envs.spec import EnvSpec
from pellucid.explanation import Rules
from pellucid.faithfulness.planted.drawn_inputs import DrawnInputs, agent_of, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.kernels.predicates import (
    Comparison,
    Joined,
    Predicate,
    Value,
    columns_of,
    holds,
    parse_predicate,
)
from pellucid.seeds import stream

RIGHT = 0.95
"""Least share of fresh states in which the rules must tell the choice, both kinds alike."""
OVERLAP = 0.9
"""Least overlap of the inputs that the rules read with those that the agent reads."""
N_INPUTS = 6
N_STATES = 4_000


@dataclass(frozen=True)
class KnownRule:
    """Action 1 where two inputs are both above a threshold, or a third one is; else action 0.

    Args:
        inputs: The two, and the third.
        limits: Their thresholds, in the same order.
    """

    inputs: tuple[int, int, int]
    limits: tuple[float, float, float]

    @property
    def predicate(self) -> Predicate:
        """Where action 1 is chosen."""
        one, two, three = (
            Comparison(Value(column=i), ">", Value(limit))
            for i, limit in zip(self.inputs, self.limits, strict=True)
        )
        return Joined("or", (Joined("and", (one, two)), three))

    def chosen(self, rows: Float[np.ndarray, "rows inputs"]) -> Bool[np.ndarray, " rows"]:
        """Return where action 1 is chosen."""
        return holds(self.predicate, rows)


def known_rule(seed: int) -> Setting[KnownRule]:
    """Return an agent whose choice is a rule of two cases on three of six inputs.

    Action 1 is chosen in about half of the states. The third input tells nothing where the first
    two decide already, so that no order of tests as in a tree says it as briefly.
    """
    rng = stream(seed, "planted", "known-rule")
    one, two, three = map(int, rng.permutation(N_INPUTS)[:3])
    both, alone = rng.uniform(-0.4, 0.0, 2), rng.uniform(0.3, 0.7)
    limits = tuple(round(float(v), 2) for v in (*both, alone))
    rule = KnownRule((one, two, three), (limits[0], limits[1], limits[2]))
    spec: EnvSpec = spec_of(DrawnInputs, n_inputs=N_INPUTS)
    return Setting(agent_of("known rule", rule.chosen, spec), spec, rule)


# --- measures ---


def told_right(content: Rules, truth: KnownRule) -> float:
    """Return the share of fresh states told right, both kinds alike; NaN for rules of words."""
    if not content.conditions or not content.exhaustive or not len(content.outcomes):
        return np.nan
    rows = _states()
    said = np.any([holds(p, rows) for p in _conditions(content)], axis=0)
    true = truth.chosen(rows) == bool(content.outcomes[0])
    return float((said[true].mean() + (~said[~true]).mean()) / 2)


def overlap(content: Rules, truth: KnownRule) -> float:
    """Return common inputs as a share of those that either reads; NaN for rules of words."""
    if not content.conditions:
        return np.nan
    found = frozenset().union(*(columns_of(p) for p in _conditions(content)))
    wanted = set(truth.inputs)
    return len(found & wanted) / len(found | wanted)


def other_inputs(content: Rules, truth: KnownRule, rng: np.random.Generator) -> Rules:
    """Return the same rules about inputs in random order."""
    del truth
    order = rng.permutation(N_INPUTS)
    moved = tuple(str(_moved(p, order)) for p in _conditions(content))
    return replace(content, conditions=moved)


def _conditions(content: Rules) -> list[Predicate]:
    return [parse_predicate(text) for text in content.conditions]


def _moved(predicate: Predicate, order: np.ndarray) -> Predicate:
    if isinstance(predicate, Joined):
        return Joined(predicate.word, tuple(_moved(p, order) for p in predicate.parts))
    left, right = (
        value if value.column < 0 else Value(column=int(order[value.column % len(order)]))
        for value in (predicate.left, predicate.right)
    )
    return Comparison(left, predicate.sign, right)


def _states() -> Float[np.ndarray, "states inputs"]:
    rng = stream(0, "planted", "known-rule", "states")
    return rng.uniform(-1.0, 1.0, (N_STATES, N_INPUTS))


TASKS: tuple[PlantedTask[KnownRule], ...] = (
    PlantedTask(
        name="known-rule",
        kind=Rules,
        about="The agent follows one rule of two cases on 3 of 6 inputs.",
        set_up=known_rule,
        measures=(
            Measure("right", "choices told right in fresh states", "higher", RIGHT, told_right),
            Measure("inputs", "overlap of the inputs read", "higher", OVERLAP, overlap),
        ),
        meaningless=other_inputs,
        control="the same rules about random inputs",
    ),
)
