"""Lookahead and effective horizon estimated from rollouts, where states cannot be enumerated.

From states that an agent visits, the environment is branched: each sequence of k actions, then
random play. Where the agent's own action comes out best, k steps of lookahead are enough to learn
it there; how clearly it does says what that costs.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.budget import Meter
from pellucid.envs.resolve import make_env
from pellucid.errors import BudgetError, CapabilityError, InputError
from pellucid.rollouts import Branch, Episodes, Future, run_branches
from pellucid.rollouts.stand_ins import RandomAgent
from pellucid.seeds import stream
from pellucid.stats import Estimate, mean_interval, not_measured
from pellucid.tabular.horizon.simple_bounds import CONSTANT

MAX_SEQUENCES = 256
"""Most sequences of k actions at a state."""


@dataclass(frozen=True)
class SampledState:
    """What random play says of one state.

    Args:
        episode: Position among the episodes.
        step: Counted from 0.
        action: What the agent does there, counted from 0.
        rival: The other action that came out best.
        gap: How much more the agent's action gets before random play than the rival, with its
            interval over replicates; not measured if the budget ended before.
        variance: Of the return of the agent's action before random play.
    """

    episode: int
    step: int
    action: int
    rival: int
    gap: Estimate
    variance: float

    @property
    def verdict(self) -> str:
        """`told`, `contradicted`, `unclear`, or `not measured`."""
        if not self.gap.measured:
            return "not measured"
        if self.gap.low > 0:
            return "told"
        return "contradicted" if self.gap.high < 0 else "unclear"


@dataclass(frozen=True)
class SampledHorizon:
    """The estimate for one number of lookahead steps.

    Args:
        k: Lookahead steps.
        states: What was looked at.
        n_actions: Number of actions.
        length: Most steps of an episode.
    """

    k: int
    states: tuple[SampledState, ...]
    n_actions: int
    length: int

    @property
    def enough(self) -> bool:
        """Whether no state speaks against k: none is contradicted and some are told."""
        verdicts = [state.verdict for state in self.states]
        return "contradicted" not in verdicts and "told" in verdicts

    @property
    def horizon(self) -> Estimate:
        """`k + log_A(episodes)` at the hardest state that is told, between the ends of its gap.

        States that are unclear may be harder still: it is an estimate from below. Not measured
        if k is not enough.
        """
        told = [state for state in self.states if state.verdict == "told"]
        n_left_out = len(self.states) - len(told)
        if not self.enough:
            return not_measured(0, len(self.states))
        hardest = max(told, key=lambda state: self._episodes(state, state.gap.value))
        ends = (hardest.gap.value, hardest.gap.high, hardest.gap.low)
        value, low, high = (self._at(hardest, gap) for gap in ends)
        return Estimate(value, low, high, len(told), n_left_out)

    def _at(self, state: SampledState, gap: float) -> float:
        episodes = self._episodes(state, gap)
        base = math.log(self.n_actions)
        return self.k + (math.log(episodes) / base if base > 0 else 0.0)

    def _episodes(self, state: SampledState, gap: float) -> float:
        log_term = math.log(2 * self.length) + self.k * math.log(self.n_actions)
        return max(1.0, CONSTANT * state.variance / gap**2 * log_term)


def sampled_horizon(
    episodes: Episodes,
    *,
    k: int,
    m: int,
    n_states: int,
    seed: int,
    meter: Meter,
    jobs: int = 1,
) -> SampledHorizon:
    """Return what rollouts say of k steps of lookahead in states that an agent visits.

    The best sequences are chosen with one half of the replicates and compared with the other.

    Args:
        episodes: Of an agent whose actions count as best, with their environment.
        k: Lookahead steps.
        m: Replicates per sequence of k actions, an even number from 4.
        n_states: States, drawn from all that were visited.
        seed: Of states and random play.
        meter: Pays for environment steps.
        jobs: Worker processes.

    Raises:
        InputError: k or m does not fit, there are no episodes, or too many sequences.
        CapabilityError: The actions are not discrete, or the environment cannot be branched.
        BudgetError: The budget does not pay for one state.

    Source: Laidlaw 2023, theorem 5.4, with sample means and variances in place of those of a
    table; the paper has no estimator.
    """
    if k < 1 or m < 4 or m % 2:
        raise InputError(f"expected k from 1 and an even m from 4, got {k} and {m}")
    n_actions, offset, space, observations = _spaces(episodes)
    if n_actions**k > MAX_SEQUENCES:
        raise InputError(f"{n_actions} ** {k} sequences are too many: at most {MAX_SEQUENCES}")
    chosen = _chosen(episodes, n_states, seed)
    sequences = list(itertools.product(range(n_actions), repeat=k))
    branches = [
        Branch(episode, step, np.array(sequence, dtype=np.int64) + offset, noise=replicate)
        for episode, step in chosen
        for sequence in sequences
        for replicate in range(m)
    ]
    futures = run_branches(
        RandomAgent(observations, space),
        episodes,
        branches,
        meter=meter,
        policy="sampled",
        jobs=jobs,
        seed=seed,
    )
    per_state = len(sequences) * m
    if len(futures) < per_state:
        raise BudgetError(
            f"the budget pays for {len(futures)} of {per_state} rollouts of one state",
            hint="allow more environment steps, or ask for fewer replicates",
        )
    states = []
    for position, (episode, step) in enumerate(chosen):
        found = futures[position * per_state : (position + 1) * per_state]
        action = int(episodes[episode].actions[step]) - offset
        states.append(_state(episode, step, action, found, n_actions, m))
    length = max(len(one) for one in episodes.used)
    return SampledHorizon(k, tuple(states), n_actions, length)


def _state(
    episode: int, step: int, action: int, futures: Sequence[Future], n_actions: int, m: int
) -> SampledState:
    returns = np.array(
        [math.nan if one.failure is not None else one.total_reward for one in futures]
    )
    if n_actions < 2 or len(returns) % (n_actions * m) or not len(returns):
        return SampledState(episode, step, action, action, not_measured(0, m), math.nan)
    by_sequence: Float[np.ndarray, "actions sequences replicates"] = returns.reshape(
        n_actions, -1, m
    )
    half = m // 2
    means = by_sequence[:, :, :half].mean(axis=2)
    best_of = means.argmax(axis=1)
    ranked = np.where(np.arange(n_actions) == action, -np.inf, means.max(axis=1))
    rival = int(ranked.argmax())
    own = by_sequence[action, best_of[action], half:]
    other = by_sequence[rival, best_of[rival], half:]
    # replicates share their random numbers, so that they are compared in pairs
    gap = mean_interval(own - other)
    return SampledState(episode, step, action, rival, gap, float(np.nanvar(own, ddof=1)))


def _spaces(episodes: Episodes) -> tuple[int, int, object, object]:
    if episodes.spec is None or not episodes.used:
        raise InputError("expected episodes with their environment", hint="collect some first")
    env = make_env(episodes.spec)
    space, observations = env.action_space, env.observation_space
    env.close()
    n = getattr(space, "n", None)
    if n is None or getattr(space, "shape", None) != ():
        raise CapabilityError(f"expected discrete actions, got {space}")
    return int(n), int(getattr(space, "start", 0)), space, observations


def _chosen(episodes: Episodes, n_states: int, seed: int) -> list[tuple[int, int]]:
    visited = episodes.visited_steps
    n = min(n_states, len(visited))
    if n < 1:
        raise InputError(f"expected at least one state, got {n_states}")
    rows = stream(seed, "sampled-horizon").choice(len(visited), size=n, replace=False)
    return [(int(episode), int(step)) for episode, step in visited[np.sort(rows)]]
