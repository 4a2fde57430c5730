"""Regions of visited states: places where there are few, else clusters, with a name for each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from sklearn.cluster import KMeans

from pellucid.agents.flatten import flat
from pellucid.explanation.places import distinct_places, place_names
from pellucid.explanation.wording import show
from pellucid.kernels.nearest_region import nearest_region
from pellucid.rollouts import Episode, Episodes

MOST_PLACES, N_CLUSTERS = 150, 20
MOST_ROWS = 20_000


@dataclass(frozen=True)
class Regions:
    """How states are told apart.

    Args:
        centres: Shape (regions, inputs).
        spreads: Shape (inputs,), unit of each input in which the nearest centre is looked for.
        names: One per region.
    """

    centres: Float[np.ndarray, "regions inputs"]
    spreads: Float[np.ndarray, " inputs"]
    names: tuple[str, ...]

    def paths(self, episodes: Sequence[Episode]) -> list[Int[np.ndarray, " steps_and_one"]]:
        """Return the region of every observation of each episode."""
        return [
            nearest_region(flat(episode.observations), self.centres, self.spreads)
            for episode in episodes
        ]


def regions_of(episodes: Episodes, seed: int) -> Regions:
    """Return the different places of an environment with few of them, else clusters of states.

    Args:
        episodes: At least one.
        seed: Of the clusters.
    """
    rows = np.concatenate([flat(episode.observations) for episode in episodes.used])
    spread = rows.std(axis=0)
    spreads = np.where(spread > 0, spread, 1.0)
    places = distinct_places(rows)
    if len(places) <= MOST_PLACES:
        return Regions(places, spreads, place_names(places, episodes.names))
    kept = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).astype(int))]
    fit = KMeans(N_CLUSTERS, n_init=3, random_state=seed % 2**32).fit(kept / spreads)
    centres = np.asarray(fit.cluster_centers_, dtype=np.float64) * spreads
    order = np.lexsort(centres.T)
    centres = centres[order]
    return Regions(centres, spreads, _cluster_names(centres, rows.mean(axis=0), spreads, episodes))


def _cluster_names(
    centres: Float[np.ndarray, "regions inputs"],
    usual: Float[np.ndarray, " inputs"],
    spreads: Float[np.ndarray, " inputs"],
    episodes: Episodes,
) -> tuple[str, ...]:
    """Name each region by the two inputs in which it is most unlike the usual state."""
    names = []
    for centre in centres:
        unlike = np.argsort(-np.abs(centre - usual) / spreads, kind="stable")[:2]
        told = [f"{episodes.names.inputs[i]} about {show(float(centre[i]))}" for i in unlike]
        names.append(", ".join(told))
    return tuple(names)
