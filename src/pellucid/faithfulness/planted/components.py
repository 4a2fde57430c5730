"""Planted parts: which term an action changes, and when reward arrives, is known at every step."""

from collections import deque
from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Float

from pellucid.explanation import Components
from pellucid.faithfulness.planted.drawn_inputs import agent_of, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.kernels.minimal_sufficient import minimal_sufficient
from pellucid.seeds import stream

ERROR = 0.2
"""Largest error of all parts together, as a share of their sizes."""
NAMED = 0.8
"""Least share of states whose deciding terms must be named exactly."""
N_STEPS, N_KINDS, N_ACTIONS, DELAY = 20, 3, 3, 3
TERMS = ("fare", "fuel", "wear", "later")
"""The last one is paid `DELAY` steps after the action."""
SPREAD = 0.1
"""Standard deviation of what is paid, as a share of it."""


class Depot(gymnasium.Env[Any, Any]):
    """Pays four terms for every action, by the kind of the step; the last one comes later.

    Steps take turns in their kind. A step's payments are multiplied by 1 plus the same normal
    noise; what would be paid after the last step is lost. Inputs: the step divided by their number,
    and 1 for its kind.

    Args:
        paid: What each term pays, by kind and action, nested lists.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as in Gymnasium

    def __init__(self, paid: list[list[list[float]]]) -> None:
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (1 + N_KINDS,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(N_ACTIONS)
        self._paid, self._step = np.array(paid), 0
        self._owed: deque[float] = deque([0.0] * DELAY)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Return to the first step, with nothing owed."""
        super().reset(seed=seed)
        self._step, self._owed = 0, deque([0.0] * DELAY)
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Pay for the action, and what is owed for an earlier one."""
        noise = 1.0 + SPREAD * float(self.np_random.standard_normal())
        terms = self._paid[self._step % N_KINDS, int(action)] * noise
        self._owed.append(float(terms[-1]))
        terms[-1] = self._owed.popleft()
        self._step += 1
        info = {"reward_terms": dict(zip(TERMS, terms.tolist(), strict=True))}
        return self._observation(), float(terms.sum()), self._step == N_STEPS, False, info

    def _observation(self) -> Any:
        kinds = np.arange(N_KINDS) == self._step % N_KINDS
        return np.append([self._step / N_STEPS], kinds).astype(np.float32)


@dataclass(frozen=True)
class KnownTerms:
    """What each term pays.

    Args:
        paid: Shape (kinds, actions, terms).
    """

    paid: Float[np.ndarray, "kinds actions terms"]

    def differences(self, content: Components) -> Float[np.ndarray, "states terms"]:
        """Return by how much each term is larger for the choice than for the best other action."""
        steps = content.steps[:, 1]
        paid = self.paid[steps % N_KINDS]
        rows = np.arange(len(steps))
        found = paid[rows, content.chosen] - paid[rows, content.rivals]
        arrives = steps + DELAY < N_STEPS
        found[:, -1] *= np.where(arrives, content.discount**DELAY, 0.0)
        return np.asarray(found)


def depot(seed: int) -> Setting[KnownTerms]:
    """Return an agent that always takes what pays most in the kind of step that it is.

    An action changes what is paid for it, and nothing that follows: kinds take turns whatever it
    does. So the difference between two actions is that of their payments, the last term discounted
    by its delay, or lost at the end.
    """
    rng = stream(seed, "planted", "depot")
    paid = rng.normal(0.0, 3.0, (N_KINDS, N_ACTIONS, len(TERMS)))
    best = paid.sum(axis=2).argmax(axis=1)
    spec = spec_of(Depot, paid=paid.tolist())
    agent = agent_of("dispatcher", lambda rows: best[rows[:, 1:].argmax(axis=1)], spec)
    return Setting(agent, spec, KnownTerms(paid))


class Paydays(gymnasium.Env[Any, Any]):
    """Pays known amounts at known steps, whatever is done.

    What is paid is multiplied by 1 plus normal noise. Input: the step divided by their number.

    Args:
        amounts: One per step.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as in Gymnasium

    def __init__(self, amounts: list[float]) -> None:
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (1,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(2)
        self._amounts, self._step = tuple(amounts), 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Return to the first step."""
        super().reset(seed=seed)
        self._step = 0
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Pay what is due."""
        del action
        noise = 1.0 + SPREAD * float(self.np_random.standard_normal())
        reward = self._amounts[self._step] * noise
        self._step += 1
        return self._observation(), reward, self._step == len(self._amounts), False, {}

    def _observation(self) -> Any:
        return np.array([self._step / len(self._amounts)], dtype=np.float32)


@dataclass(frozen=True)
class KnownPaydays:
    """What is paid at each step.

    Args:
        amounts: Shape (steps,).
    """

    amounts: Float[np.ndarray, " steps"]

    def parts(self, content: Components) -> Float[np.ndarray, "states spans"]:
        """Return what arrives in each span of time from each state on."""
        ahead = np.arange(len(self.amounts)) - content.steps[:, 1][:, None]
        weights = np.where(ahead >= 0, content.discount ** np.maximum(ahead, 0), 0.0)
        ends = np.append(content.since[1:], len(self.amounts) + 1)
        return np.stack(
            [
                (np.where((ahead >= start) & (ahead < end), weights, 0.0) * self.amounts).sum(
                    axis=1
                )
                for start, end in zip(content.since, ends, strict=True)
            ],
            axis=1,
        )


def paydays(seed: int) -> Setting[KnownPaydays]:
    """Return an agent that is paid at three steps of 20, and nothing at the others."""
    rng = stream(seed, "planted", "paydays")
    amounts = np.zeros(N_STEPS)
    amounts[rng.choice(N_STEPS, 3, replace=False)] = rng.uniform(2.0, 10.0, 3)
    spec = spec_of(Paydays, amounts=amounts.tolist())
    agent = agent_of("idler", lambda rows: np.zeros(len(rows)), spec)
    return Setting(agent, spec, KnownPaydays(amounts))


# --- measures ---


def differences_error(content: Components, truth: KnownTerms) -> float:
    """Return how far all told differences are off together, as a share of the true ones."""
    if content.component_names != TERMS or len(content.chosen) != len(content.values):
        return np.nan
    return _relative(told_differences(content), truth.differences(content))


def reasons_named(content: Components, truth: KnownTerms) -> float:
    """Return the share of states whose fewest deciding terms are the true ones."""
    if content.component_names != TERMS or len(content.chosen) != len(content.values):
        return np.nan
    pairs = zip(told_differences(content), truth.differences(content), strict=True)
    named = [[set(minimal_sufficient(one).reasons.tolist()) for one in pair] for pair in pairs]
    return float(np.mean([told == true for told, true in named]))


def told_differences(content: Components) -> Float[np.ndarray, "states terms"]:
    """Return by how much each component is told to be larger for the choice than for its rival."""
    rows = np.arange(len(content.values))
    values = content.values
    return np.asarray(values[rows, content.chosen] - values[rows, content.rivals])


def parts_error(content: Components, truth: KnownPaydays) -> float:
    """Return how far all told parts are off together, as a share of the true ones."""
    if not len(content.since) or content.values.shape[1] != 1:
        return np.nan
    return _relative(content.values[:, 0], truth.parts(content))


def permuted(content: Components, truth: Any, rng: np.random.Generator) -> Components:
    """Return the same values, told of one another's component."""
    del truth
    order = rng.permutation(content.values.shape[2])
    return replace(content, values=content.values[:, :, order])


def _relative(
    told: Float[np.ndarray, "states parts"], true: Float[np.ndarray, "states parts"]
) -> float:
    return float(np.abs(told - true).sum() / np.abs(true).sum())


_PERMUTED = "the same values, their components permuted"

TASKS: tuple[PlantedTask[Any], ...] = (
    PlantedTask(
        name="depot",
        kind=Components,
        about="What each term of the reward gains or loses by another action is known.",
        set_up=depot,
        measures=(
            Measure("error", "error of the differences", "lower", ERROR, differences_error),
            Measure("reasons", "deciding terms named exactly", "higher", NAMED, reasons_named),
        ),
        meaningless=permuted,
        control=_PERMUTED,
    ),
    PlantedTask(
        name="paydays",
        kind=Components,
        about="What is paid at each step is known, whatever the agent does.",
        set_up=paydays,
        measures=(Measure("error", "error of the parts", "lower", ERROR, parts_error),),
        meaningless=permuted,
        control=_PERMUTED,
        target="return",
    ),
)
