"""What exploring has seen, as counts, and the roll-ins that see it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.tabular.contrastive.staged import StagedMDP, check_at_least


@dataclass(frozen=True, eq=False)
class TransitionCounts:
    """Counts of every transition seen so far; they grow in place.

    Args:
        positives: Shape (steps, pairs, states): how often each state followed each pair, in the
            roll-ins that aim at the step and in those that aim one step further.
        aimed: Shape (steps, pairs, states): the same of the roll-ins that aim at the step, alone.
        drawn: Shape (steps, pairs, states): drawn negatives, of weight 1 per positive in all.
    """

    positives: Float[np.ndarray, "steps pairs states"]
    aimed: Float[np.ndarray, "steps pairs states"]
    drawn: Float[np.ndarray, "steps pairs states"]

    @property
    def visits(self) -> Float[np.ndarray, "steps pairs"]:
        """How often each pair was seen by the roll-ins that aim at its step."""
        return np.asarray(self.aimed.sum(axis=-1))

    @property
    def seen(self) -> Float[np.ndarray, "steps pairs"]:
        """How often each pair was seen at all: what a model was fitted to."""
        return np.asarray(self.positives.sum(axis=-1))

    @classmethod
    def empty(cls, n_steps: int, n_pairs: int, n_states: int) -> "TransitionCounts":
        """Return counts of nothing."""
        shape = (n_steps, n_pairs, n_states)
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(shape))


class RollIns:
    """Collects one round of episodes: one for every step, which ends after it.

    The episode that aims at step h follows the policy before step h - 1 and draws the actions of
    steps h - 1 and h evenly. Its last transition counts for step h, the one before for h - 1.

    Args:
        mdp: The problem; it is only asked for draws.
        rng: Draws states and actions.
        negative_rng: Draws negatives, from a stream of its own, so that arms that do not need them
            see the same episodes.
        negative_law: Shape (states,).
        n_negatives: Negatives drawn per positive, each of weight `1 / n_negatives`.

    Raises:
        InputError: There is less than one negative per positive.

    Source: Qiu 2022 (contrastive UCB for decision processes).
    """

    def __init__(
        self,
        mdp: StagedMDP,
        rng: np.random.Generator,
        negative_rng: np.random.Generator,
        negative_law: Float[np.ndarray, " states"],
        *,
        n_negatives: int = 1,
    ) -> None:
        check_at_least("negatives per positive", n_negatives, 1)
        self._n_actions = mdp.n_actions
        self._transitions = mdp.transitions.cumsum(axis=-1)
        self._initial = mdp.initial.cumsum()
        self._law, self._n_negatives = negative_law, n_negatives
        self._rng, self._negative_rng = rng, negative_rng

    def collect(
        self, policy: Float[np.ndarray, "steps states actions"], counts: TransitionCounts
    ) -> None:
        """Add one round of episodes to the counts.

        Args:
            policy: Shape (steps, states, actions); rows sum to one.
            counts: What it is added to.
        """
        n_steps = len(policy)
        uniforms = self._rng.random((2 * n_steps + 1, n_steps))
        cumulative = policy.cumsum(axis=-1)
        # position i of these arrays is the episode that aims at step i, until it has ended
        states = _draw(np.broadcast_to(self._initial, (n_steps, len(self._initial))), uniforms[0])
        for step in range(n_steps):
            actions = _draw(cumulative[step, states], uniforms[2 * step + 1, step:])
            even = (uniforms[2 * step + 1, step:] * self._n_actions).astype(np.int64)
            actions[:2] = even[:2]
            pairs = states * self._n_actions + actions
            rows = self._transitions[step, states, actions]
            following = _draw(rows, uniforms[2 * step + 2, step:])
            self._count(counts, step, pairs[:2], following[:2])
            states = following[1:]

    def _count(
        self,
        counts: TransitionCounts,
        step: int,
        pairs: Int[np.ndarray, " episodes"],
        following: Int[np.ndarray, " episodes"],
    ) -> None:
        drawn = self._negative_rng.multinomial(self._n_negatives, self._law, size=len(pairs))
        np.add.at(counts.positives[step], (pairs, following), 1.0)
        np.add.at(counts.drawn[step], pairs, drawn / self._n_negatives)
        counts.aimed[step, pairs[0], following[0]] += 1.0


def _draw(
    cumulative: Float[np.ndarray, "rows outcomes"], uniforms: Float[np.ndarray, " rows"]
) -> Int[np.ndarray, " rows"]:
    # the last sum may be one rounding below 1
    found = (cumulative <= uniforms[:, None]).sum(axis=-1)
    return np.asarray(np.minimum(found, cumulative.shape[-1] - 1))
