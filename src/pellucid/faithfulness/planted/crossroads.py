"""Planted absence: the agent acts for a reward of which one term is absent, or none."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np

from pellucid.envs.resolve import resolve_env
from pellucid.envs.spec import EnvSpec
from pellucid.explanation import Contributions
from pellucid.faithfulness.planted.drawn_inputs import agent_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.seeds import stream
from pellucid.tabular.hypotheses import Hypotheses, term_tables

NAMED = 0.8
"""Share of draws in which exactly the absent term must be named."""
TERMS = ("time", "mud", "toll")
N_CROSSROADS, N_WAYS = 24, 3
DISCOUNT = 0.99


def _charges() -> np.ndarray:
    """Return what each way costs of each term, shape (crossroads, ways, terms)."""
    rng = stream(0, "planted", "crossroads")
    return rng.integers(1, 31, (N_CROSSROADS, N_WAYS, len(TERMS))) / 10.0


CHARGES = _charges()


def charged(
    observation: Any, action: Any, next_observation: Any, terminated: bool
) -> Mapping[str, float]:
    """Return the terms of the reward of a way; see `envs.reward_terms`."""
    del next_observation, terminated
    return dict(zip(TERMS, (-CHARGES[int(observation), int(action)]).tolist(), strict=True))


class Crossroads(gymnasium.Env[Any, Any]):
    """A road with 24 crossroads, at each of which one of three ways leads on.

    Every way costs time, mud and toll. The last way skips a crossroad; behind the last one the
    episode ends. It starts at any of them. `P` is the table of outcomes, as in Gymnasium's toy-text
    environments.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as in Gymnasium

    def __init__(self) -> None:
        self.observation_space = gymnasium.spaces.Discrete(N_CROSSROADS)
        self.action_space = gymnasium.spaces.Discrete(N_WAYS)
        self.initial_state_distrib = np.full(N_CROSSROADS, 1 / N_CROSSROADS)
        self.P = {
            place: {way: [_outcome(place, way)] for way in range(N_WAYS)}
            for place in range(N_CROSSROADS)
        }
        self._place = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Start at any crossroad."""
        super().reset(seed=seed, options=options)
        self._place = int(self.np_random.integers(N_CROSSROADS))
        return self._place, {}

    def step(self, action: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """Follow the table."""
        ((_, self._place, reward, over),) = self.P[self._place][int(action)]
        return self._place, reward, over, False, {}


def _outcome(place: int, way: int) -> tuple[float, int, float, bool]:
    following = place + 1 + int(way == N_WAYS - 1)
    over = following >= N_CROSSROADS
    reward = -float(CHARGES[place, way].sum())
    return 1.0, place if over else following, reward, over


@dataclass(frozen=True)
class KnownAbsence:
    """The terms that the agent does not act for.

    Args:
        terms: Their names, at most one.
    """

    terms: tuple[str, ...]


def spec_of_crossroads() -> EnvSpec:
    """Return the spec of the road, with the terms of its reward."""
    module = Crossroads.__module__
    return resolve_env(f"{module}:Crossroads", reward_terms=f"{module}:charged")


def absent_term(seed: int) -> Setting[KnownAbsence]:
    """Return an agent that is the best for a reward without one of three terms, or for all."""
    drawn = int(stream(seed, "planted", "absent-term").integers(len(TERMS) + 1))
    gone = TERMS[drawn : drawn + 1]
    spec = spec_of_crossroads()
    hypotheses = Hypotheses(term_tables(spec, discount=DISCOUNT))
    (row,) = np.flatnonzero(
        (hypotheses.absent == [name in gone for name in TERMS]).all(axis=1)
    ).tolist()
    ways = hypotheses.q_values[row].argmax(axis=1)
    return Setting(agent_of("walker", lambda rows: ways[rows], spec), spec, KnownAbsence(gone))


# --- measures ---


def named(content: Contributions, truth: KnownAbsence) -> float:
    """Return 1 if exactly the absent terms are named, else 0; NaN if it is about other things."""
    if not len(content.absent) or set(content.term_names) != set(TERMS):
        return np.nan
    row = content.absent[content.named]
    told = {name for name, gone in zip(content.term_names, row, strict=True) if gone}
    return float(told == set(truth.terms))


def other_hypothesis(
    content: Contributions, truth: KnownAbsence, rng: np.random.Generator
) -> Contributions:
    """Return the same beliefs with a random hypothesis named."""
    del truth
    return replace(content, named=int(rng.integers(len(content.names))))


TASKS: tuple[PlantedTask[KnownAbsence], ...] = (
    PlantedTask(
        name="absent-term",
        kind=Contributions,
        about="The agent acts for a reward of which one of three terms is absent, or none.",
        set_up=absent_term,
        measures=(Measure("named", "exactly the absent term is named", "higher", NAMED, named),),
        meaningless=other_hypothesis,
        control="a random hypothesis",
        n_episodes=30,
    ),
)
