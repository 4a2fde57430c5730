"""Choose the best of a class from one pool of roll-outs, and show where the candidates differ."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.errors import InputError
from pellucid.seeds import stream
from pellucid.stats import CONFIDENCE, Estimate, mean_interval, not_measured, proportion_interval
from pellucid.tabular.agnostic.policies import PolicyClass
from pellucid.tabular.agnostic.pools import (
    Pool,
    PoolValues,
    follows,
    pool_values,
    weighted_returns,
)

FEWEST_FOLLOWED = 30
"""Roll-outs of the judging half that must follow the chosen policy for its value to be measured.

With fewer the returns that would widen the interval are likely to be missing from it.
"""


@dataclass(frozen=True)
class ContrastState:
    """A state in which candidates do not all act alike: a case to show to people.

    Args:
        step: Step of the episode, from 0.
        state: The state.
        common: The action that most candidates take.
        chosen: The action of the chosen policy.
        agreement: Share of the candidates that take the common action.
        visits: Share of roll-outs that meet the state at that step, with its interval.
    """

    step: int
    state: int
    common: int
    chosen: int
    agreement: float
    visits: Estimate


@dataclass(frozen=True, eq=False)
class Choice:
    """The best policy of a class as far as a pool can tell.

    Args:
        policy: Its number in the class.
        name: What it is called.
        value: Its expected return with a 95 % interval, from roll-outs that had no part in the
            choice; not measured if fewer than 30 of them follow it.
        most_regret: With 95 % confidence, no policy of the class is better by more than this; 1 is
            the trivial bound. It holds if whoever logged the pool could have acted like each of
            them all along.
        candidates: Shape (candidates,), policies that the pool does not show to be worse.
        n_not_measured: Policies that no roll-out follows; they are among the candidates.
        contrasts: States where candidates differ, the most visited first.
    """

    policy: int
    name: str
    value: Estimate
    most_regret: float
    candidates: Int[np.ndarray, " candidates"]
    n_not_measured: int
    contrasts: tuple[ContrastState, ...]

    def __str__(self) -> str:
        """Return the choice in words."""
        value = self.value
        interval = (
            f"{value.value:.3g} [{value.low:.3g}, {value.high:.3g}], {value.n} roll-outs"
            if value.measured
            else f"not measured, fewer than {FEWEST_FOLLOWED} of {value.n_unscored} roll-outs "
            "follow it"
        )
        lines = [
            f"{self.name}: expected return {interval}",
            f"no policy is better by more than {self.most_regret:.3g} (95 %)",
            f"{len(self.candidates)} candidates, of which {self.n_not_measured} not measured",
        ]
        lines += [
            f"step {one.step}, state {one.state}: action {one.chosen}, "
            f"{one.agreement:.0%} of candidates take {one.common}; met in "
            f"{one.visits.value:.1%} [{one.visits.low:.1%}, {one.visits.high:.1%}] "
            f"of {one.visits.n} roll-outs"
            for one in self.contrasts
        ]
        return "\n".join(lines)


def choose_policy(
    policies: PolicyClass, pool: Pool, *, most_contrasts: int = 10, seed: int = 0
) -> Choice:
    """Return the best policy of a class, how sure that is, and where the candidates differ.

    Half of the roll-outs, drawn at random, choose; the other half says what the chosen policy is
    worth, so that its interval does not flatter. The bound on regret uses the whole pool.

    Args:
        policies: The class, such as small trees or rules that people can read.
        pool: At least four roll-outs with returns from 0 to 1.
        most_contrasts: Most states to show.
        seed: Of the split into halves.

    Raises:
        InputError: A return lies outside [0, 1], there are too few roll-outs, no policy is followed
            by a roll-out, or the pool is of another problem.

    Source: the band around all values at once is Maurer & Pontil 2009, theorem 4.
    """
    outside = np.flatnonzero((pool.returns < 0) | (pool.returns > 1))
    if len(outside):
        raise InputError(
            f"expected returns from 0 to 1, got {pool.returns[outside[0]]} in {outside[0]}",
            hint="scale returns first",
        )
    if len(pool) < 4:
        raise InputError(f"expected at least 4 roll-outs, got {len(pool)}")
    order = stream(seed, "choose-policy").permutation(len(pool))
    choosing, judging = np.sort(order[: len(pool) // 2]), np.sort(order[len(pool) // 2 :])
    first = pool_values(policies, pool.part(choosing))
    measured = first.n_followed > 0
    if not measured.any():
        raise InputError(
            "expected roll-outs that follow a policy, but none follows one to the end",
            hint="more roll-outs, or roll-outs of policies closer to those of the class",
        )
    chosen = int(np.where(measured, first.values, -np.inf).argmax())
    judges = pool.part(judging)
    value = not_measured(0, len(judges))
    if follows(policies, chosen, judges).sum() >= FEWEST_FOLLOWED:
        value = mean_interval(weighted_returns(policies, chosen, judges), seed=seed)
    everything = pool_values(policies, pool)
    low, high = _band(everything, len(policies), 1 / pool.smallest_chance)
    candidates = np.flatnonzero(high >= low.max())
    return Choice(
        policy=chosen,
        name=policies.name(chosen),
        value=value,
        most_regret=float(max(0.0, high.max() - low[chosen])),
        candidates=candidates,
        n_not_measured=int((everything.n_followed == 0).sum()),
        contrasts=contrast_states(policies, chosen, candidates, pool)[:most_contrasts],
    )


def contrast_states(
    policies: PolicyClass, chosen: int, candidates: Int[np.ndarray, " candidates"], pool: Pool
) -> tuple[ContrastState, ...]:
    """Return the states of a pool where candidates differ, the most visited first.

    Args:
        policies: The class.
        chosen: The chosen policy.
        candidates: Shape (candidates,), numbers of the candidates.
        pool: Roll-outs.
    """
    counts = np.zeros((policies.n_actions, policies.n_steps, policies.n_states), dtype=np.int64)
    actions = policies.actions[candidates]
    for action in range(policies.n_actions):
        counts[action] = (actions == action).sum(axis=0)
    visits = np.zeros(counts.shape[1:], dtype=np.int64)
    np.add.at(visits, (np.arange(policies.n_steps), pool.states), 1)
    split: Bool[np.ndarray, "steps states"] = (counts.max(axis=0) < len(candidates)) & (visits > 0)
    places = np.argwhere(split)
    ranked = places[np.argsort(-visits[split], kind="stable")]
    return tuple(
        ContrastState(
            step=int(step),
            state=int(state),
            common=int(counts[:, step, state].argmax()),
            chosen=int(policies.actions[chosen, step, state]),
            agreement=float(counts[:, step, state].max() / len(candidates)),
            visits=proportion_interval(int(visits[step, state]), len(pool)),
        )
        for step, state in ranked
    )


def _band(
    found: PoolValues, n_policies: int, largest_weight: float
) -> tuple[Float[np.ndarray, " policies"], Float[np.ndarray, " policies"]]:
    """Return ends that hold the values of all policies at once, cut to [0, 1]."""
    # two sides for each of the policies share what the confidence leaves
    spread = np.log(4 * n_policies / (1 - CONFIDENCE))
    half = np.sqrt(2 * found.variances * spread / found.n)
    half = half + 7 * largest_weight * spread / (3 * (found.n - 1))
    # whoever logged the pool may never act like a policy that no roll-out follows
    high = np.where(found.n_followed > 0, np.clip(found.values + half, 0.0, 1.0), 1.0)
    return np.clip(found.values - half, 0.0, 1.0), high
