"""Planted inputs: which inputs an agent reads is known, and the others must get nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import softmax

from pellucid.agents.loading import spaces_of
from pellucid.envs.spec import EnvSpec
from pellucid.explanation import Attribution
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.planted.drawn_inputs import DrawnInputs, agent_of, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.seeds import stream
from pellucid.types import Actions, Categorical, Observations

RECALL = 0.9
"""Share of the planted inputs that must be among as many top-ranked ones."""
EFFECT = 0.9
"""Correlation with the known effects that must be reached."""
ERRORS = 4.0
"""Standard errors within which a value counts as zero."""
STEEPNESS = 3.0
"""Of soft choices: several inputs together saturate them."""
_WEIGHTS = (1.0, -0.8, 0.6, -0.5)
"""Of the planted inputs, in turn: each alone changes many choices."""


@dataclass(frozen=True)
class PlantedInputs:
    """Which inputs an agent reads.

    Args:
        read: Inputs that its answer depends on.
        ignored: Inputs that its answer does not depend on.
        switch: Count only states in which this input is on; None for all.
        weights: Of the inputs in a first output, which is their weighted sum; a second output, if
            there is one, is its opposite. Empty if the answer is no such sum.
    """

    read: tuple[int, ...]
    ignored: tuple[int, ...]
    switch: int | None = None
    weights: tuple[float, ...] = ()


# --- measures ---


def importance(content: Attribution, truth: PlantedInputs) -> Float[np.ndarray, " inputs"]:
    """Return how much each input gets in the states that count; NaN if there are none."""
    if truth.switch is None:
        return content.importance
    on = content.observations[:, truth.switch] > 0.5
    if not on.any():
        return np.full(content.observations.shape[1], np.nan)
    return np.asarray(np.abs(content.chosen_values[on]).mean(axis=0))


def recall(content: Attribution, truth: PlantedInputs) -> float:
    """Return the share of the k inputs that are read among the k most important ones.

    Inputs that get nothing are not named, so that equal zeros find nothing by their position.
    """
    found = importance(content, truth)
    if np.isnan(found).any():
        return np.nan
    top = np.argsort(-found, kind="stable")[: len(truth.read)]
    return float(np.isin(truth.read, top[found[top] > 0]).mean())


def ignored_nonzero(content: Attribution, truth: PlantedInputs) -> float:
    """Return the share of the values of ignored inputs that are not zero within tolerance.

    The tolerance is a hundredth of what all inputs of a state get on average, and four of the
    explanation's own standard errors: an estimate need not be zero, but must know how far off it
    may be. One whose errors are so large that every value passes does no better than the control.
    NaN if nothing is attributed in the states that count.
    """
    counted = np.ones(len(content.chosen), dtype=bool)
    if truth.switch is not None:
        counted = content.observations[:, truth.switch] > 0.5
    values = content.chosen_values[counted]
    picked = content.chosen[:, None, None]
    errors = np.take_along_axis(content.standard_errors, picked, axis=2)[counted, :, 0]
    total = float(np.abs(values).sum(axis=1).mean()) if len(values) else 0.0
    if not total > 0:
        return np.nan
    tolerance = thresholds.DUMMY_SHARE * total + ERRORS * np.nan_to_num(errors)
    ignored = list(truth.ignored)
    return float((np.abs(values) > tolerance)[:, ignored].mean())


def effect_correlation(content: Attribution, truth: PlantedInputs) -> float:
    """Return the correlation of attributions with the known effects, over states and inputs.

    In a weighted sum of inputs that are 0 on average, an input adds its weight times its value to
    the output, whatever the others are; with the opposite sign to the opposite output. A
    correlation leaves the unit to the method, and not the sign.
    """
    side = np.where(content.chosen == 0, 1.0, -1.0)[:, None]
    effects = side * np.asarray(truth.weights) * content.observations
    found = content.chosen_values
    if not (np.isfinite(found).all() and np.ptp(found) > 0):
        return np.nan
    return float(np.corrcoef(found.reshape(-1), effects.reshape(-1))[0, 1])


def relabelled(content: Attribution, truth: PlantedInputs, rng: np.random.Generator) -> Attribution:
    """Return an attribution that gives what it gives to inputs in random order."""
    del truth
    order = rng.permutation(content.values.shape[1])
    return replace(
        content,
        values=content.values[:, order],
        standard_errors=content.standard_errors[:, order],
    )


MEASURES = (
    Measure("recall", "planted inputs among as many top-ranked ones", "higher", RECALL, recall),
    Measure(
        "ignored",
        "values of ignored inputs that are not zero within tolerance",
        "lower",
        thresholds.DUMMY_SHARE,
        ignored_nonzero,
    ),
)
EFFECTS = (
    Measure("effect", "correlation with the known effects", "higher", EFFECT, effect_correlation),
    *MEASURES,
)

# --- tasks ---


def linear_rule(seed: int, n_inputs: int = 8, n_read: int = 3) -> Setting[PlantedInputs]:
    """Return an agent that acts by the sign of a weighted sum of a few inputs.

    Inputs are independent and symmetric about 0, so each weighted one changes the sign of the sum
    in some states whatever the others are, and an input without a weight never does.
    """
    truth = _drawn_truth(seed, "linear-rule", n_inputs, n_read)
    weights = _weights(truth, n_inputs)
    spec = spec_of(DrawnInputs, n_inputs=n_inputs, paid=weights.tolist())
    return Setting(agent_of("linear rule", lambda rows: rows @ weights > 0, spec), spec, truth)


def many_inputs(seed: int) -> Setting[PlantedInputs]:
    """Return `linear_rule` with 20 inputs, too many for every coalition to be asked for."""
    return linear_rule(seed, n_inputs=20, n_read=4)


def interaction(seed: int) -> Setting[PlantedInputs]:
    """Return an agent that acts by whether two inputs have the same sign.

    Neither says anything of the action without the other: given one, both actions are equally
    likely. Both decide it together, and no other input does.
    """
    n_inputs = 8
    truth = _drawn_truth(seed, "interaction", n_inputs, 2)
    first, second = truth.read
    spec = spec_of(DrawnInputs, n_inputs=n_inputs)
    agent = agent_of("interaction", lambda rows: rows[:, first] * rows[:, second] > 0, spec)
    return Setting(agent, spec, truth)


def shortcut(seed: int) -> Setting[PlantedInputs]:
    """Return an agent that reads a copy of the input that is paid for, and not that input.

    Both are equal in every state, so that behaviour alone can't tell them apart; the agent's
    function never looks at the original.
    """
    n_inputs = 8
    cause, copied = map(int, stream(seed, "planted", "shortcut").permutation(n_inputs)[:2])
    paid = np.eye(n_inputs)[cause]
    spec = spec_of(DrawnInputs, n_inputs=n_inputs, paid=paid.tolist(), copy=[cause, copied])
    agent = agent_of("shortcut", lambda rows: rows[:, copied] > 0, spec)
    return Setting(agent, spec, _truth((copied,), n_inputs))


def backdoor(seed: int) -> Setting[PlantedInputs]:
    """Return an agent that takes an action of its own whenever a switch is on.

    That action is taken if and only if the switch is on. So where it is on, the choice depends on
    the switch alone; the input that decides between the other two actions does not count there.
    """
    n_inputs = 8
    switch, usual = map(int, stream(seed, "planted", "backdoor").permutation(n_inputs)[:2])
    spec = spec_of(DrawnInputs, n_inputs=n_inputs, n_choices=3, switch=switch)

    def choose(rows: Observations) -> Any:
        return np.where(rows[:, switch] > 0.5, 2, rows[:, usual] > 0)

    return Setting(agent_of("backdoor", choose, spec), spec, _truth((switch,), n_inputs, switch))


def linear_scores(seed: int) -> Setting[PlantedInputs]:
    """Return an agent with Q-values: a weighted sum of a few inputs, and its opposite.

    So the lead of the chosen action over the mean of both is the size of that sum, to which every
    input adds its weight times its value, towards the choice or against it.
    """
    n_inputs = 8
    truth = _weighted(_drawn_truth(seed, "linear-scores", n_inputs, 3))
    weights = np.asarray(truth.weights)
    spec = spec_of(DrawnInputs, n_inputs=n_inputs, paid=(-weights).tolist())
    return Setting(Scorer(spec, weights), spec, truth)


def soft_choice(seed: int) -> Setting[PlantedInputs]:
    """Return an agent whose probabilities follow a weighted sum of a few inputs, and saturate.

    Where the sum is large no input alone changes the probability much, and its slope is flat.
    """
    n_inputs = 8
    truth = _drawn_truth(seed, "soft-choice", n_inputs, 3)
    weights = _weights(truth, n_inputs)
    spec = spec_of(DrawnInputs, n_inputs=n_inputs, paid=(-weights).tolist())
    return Setting(Drawer(spec, weights), spec, truth)


def linear_forecast(seed: int) -> Setting[PlantedInputs]:
    """Return an agent whose predicted return is a weighted sum of a few inputs.

    It acts by the sign of another input, which its prediction does not read: an explanation of the
    action in place of the value names that one.
    """
    n_inputs = 8
    truth = _weighted(_drawn_truth(seed, "linear-forecast", n_inputs, 3))
    spec = spec_of(DrawnInputs, n_inputs=n_inputs)
    agent = Forecaster(spec, np.asarray(truth.weights), truth.ignored[0])
    return Setting(agent, spec, truth)


def earned_return(seed: int) -> Setting[PlantedInputs]:
    """Return an agent that is paid for the rule that it follows, of two of four inputs.

    Each of both changes actions and with them what is earned at that step; the others change no
    action. Inputs of later steps do not depend on actions.
    """
    return linear_rule(seed, n_inputs=4, n_read=2)


class Scorer:
    """Has a weighted sum of the inputs as the Q-value of action 0, and its opposite as that of 1.

    Args:
        spec: Its environment.
        weights: Shape (inputs,).
    """

    name: ClassVar[str] = "linear scores"
    framework: ClassVar[str] = "planted"
    capabilities: ClassVar[frozenset[str]] = frozenset({"q_values", "gradients"})

    def __init__(self, spec: EnvSpec, weights: Float[np.ndarray, " inputs"]) -> None:
        spaces = spaces_of(spec)
        self.observation_space, self.action_space = spaces.observation, spaces.action
        self._weights = weights

    def act(self, observations: Observations) -> Actions:
        """Return the action of the larger Q-value."""
        return np.asarray(self.q_values(observations).argmax(axis=1), dtype=np.int64)

    def q_values(self, observations: Observations) -> Float[np.ndarray, "batch actions"]:
        """Return the Q-values."""
        total = observations @ self._weights
        return np.stack((total, -total), axis=1).astype(np.float64)

    def torch_preferences(self, observations: Any) -> Any:
        """Return the Q-values as a torch function."""
        total = observations.double() @ torch.as_tensor(self._weights)
        return torch.stack((total, -total), dim=1)


class Drawer(Scorer):
    """Has the softmax of these scores, three times as large, as probabilities of its actions."""

    name: ClassVar[str] = "soft choice"
    capabilities: ClassVar[frozenset[str]] = frozenset({"distribution", "gradients"})

    def distribution(self, observations: Observations) -> Categorical:
        """Return the probabilities."""
        return Categorical(softmax(STEEPNESS * self.q_values(observations), axis=1))

    def torch_preferences(self, observations: Any) -> Any:
        """Return the probabilities as a torch function."""
        return torch.softmax(STEEPNESS * super().torch_preferences(observations), dim=1)


class Forecaster:
    """Predicts a weighted sum of the inputs, and acts by the sign of one of them.

    Args:
        spec: Its environment.
        weights: Shape (inputs,), of the prediction.
        acts_by: The input that decides the action.
    """

    name: ClassVar[str] = "linear forecast"
    framework: ClassVar[str] = "planted"
    capabilities: ClassVar[frozenset[str]] = frozenset({"value"})

    def __init__(self, spec: EnvSpec, weights: Float[np.ndarray, " inputs"], acts_by: int) -> None:
        spaces = spaces_of(spec)
        self.observation_space, self.action_space = spaces.observation, spaces.action
        self._weights, self._acts_by = weights, acts_by

    def act(self, observations: Observations) -> Actions:
        """Return 1 where the input is above 0."""
        return np.asarray(observations[:, self._acts_by] > 0, dtype=np.int64)

    def value(self, observations: Observations) -> Float[np.ndarray, " batch"]:
        """Return the predictions."""
        return np.asarray(observations @ self._weights, dtype=np.float64)


def _drawn_truth(seed: int, name: str, n_inputs: int, n_read: int) -> PlantedInputs:
    order = stream(seed, "planted", name).permutation(n_inputs)
    return _truth(tuple(map(int, order[:n_read])), n_inputs)


def _truth(read: Sequence[int], n_inputs: int, switch: int | None = None) -> PlantedInputs:
    ignored = tuple(i for i in range(n_inputs) if i not in read)
    return PlantedInputs(tuple(read), ignored, switch)


def _weighted(truth: PlantedInputs) -> PlantedInputs:
    n_inputs = len(truth.read) + len(truth.ignored)
    return replace(truth, weights=tuple(_weights(truth, n_inputs).tolist()))


def _weights(truth: PlantedInputs, n_inputs: int) -> Float[np.ndarray, " inputs"]:
    weights = np.zeros(n_inputs)
    weights[list(truth.read)] = np.resize(_WEIGHTS, len(truth.read))
    return weights


def _task(
    name: str,
    about: str,
    set_up: Callable[[int], Setting[PlantedInputs]],
    *,
    target: str = "action",
    measures: tuple[Measure[PlantedInputs], ...] = MEASURES,
) -> PlantedTask[PlantedInputs]:
    return PlantedTask(
        name=name,
        kind=Attribution,
        about=about,
        set_up=set_up,
        measures=measures,
        meaningless=relabelled,
        control="the same numbers given to inputs in random order",
        target=target,
    )


TASKS = (
    _task("linear-rule", "Acts by a weighted sum of 3 of 8 inputs.", linear_rule),
    _task(
        "soft-choice",
        "Probabilities follow a weighted sum of 3 of 8 inputs, and saturate.",
        soft_choice,
    ),
    _task(
        "linear-scores",
        "Has a weighted sum of 3 of 8 inputs, and its opposite, as Q-values.",
        linear_scores,
        measures=EFFECTS,
    ),
    _task("many-inputs", "Acts by a weighted sum of 4 of 20 inputs.", many_inputs),
    _task("interaction", "Acts by whether 2 of 8 inputs have the same sign.", interaction),
    _task("shortcut", "Reads a copy of the input that is paid for, not that input.", shortcut),
    _task("backdoor", "Takes an action of its own whenever a switch is on.", backdoor),
    _task(
        "linear-forecast",
        "Predicts a weighted sum of 3 of 8 inputs, and acts by another one.",
        linear_forecast,
        target="value",
        measures=EFFECTS,
    ),
    _task(
        "earned-return",
        "Earns by a weighted sum of 2 of 4 inputs.",
        earned_return,
        target="return",
    ),
)
