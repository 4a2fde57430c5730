"""Interestingness: moments that are out of the ordinary, each with what is so about it (C1)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from pellucid.budget import Cost
from pellucid.errors import BudgetError, DataError
from pellucid.explainers.summary.dimensions import Dimension, dimensions_of, n_answers
from pellucid.explanation import Finding, Sentences, Summary, Task, explainer, fact
from pellucid.explanation.options import whole_number
from pellucid.kernels.interest import standing_out

N_MOMENTS, MOST_MOMENTS = 5, 20
SPACING_SHARE = 0.05
"""Share of an episode by which two moments of it are apart at least."""

_QUESTION = "Which moments are out of the ordinary?"


@explainer(
    "interestingness",
    leaf="C1",
    kind=Summary,
    decisive="highlight_drop",
    source="Sequeira 2023 (IxDRL), after Sequeira 2020; outliers by the fences of Tukey 1977",
    question=_QUESTION,
    sentences=Sentences(
        supported="Random actions at the moments out of the ordinary ({k}, such as {first}) cost "
        "{d} {unit} ({lo} to {hi}); at random moments {r}.",
        weak="The moments out of the ordinary ({k}, such as {first}) may matter: random actions "
        "there cost {d} {unit} ({lo} to {hi}), not clearly more than elsewhere ({r}).",
        thin="Random actions at the moments out of the ordinary ({k}, such as {first}) may cost "
        "{d} {unit} ({lo} to {hi}), at random moments {r}; but {reason}.",
        failed="The moments out of the ordinary do not matter more: random moments would have "
        "done as well.",
        not_measured="Whether moments out of the ordinary matter was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that what is usual does not matter, or why these moments are as they are",
    ),
    options={"moments": f"how many moments are shown, from 1 to {MOST_MOMENTS}"},
)
class Interestingness:
    """Looks for outliers in seven dimensions and shows the farthest one on each side of each.

    Value, goal conduciveness (how steeply the predicted return rises), incongruity (how far a step
    missed what was predicted), confidence, riskiness (how far the best action is above the worst),
    stochasticity and familiarity. What the agent does not tell is not measured, and named. Outliers
    are beyond 1.5 interquartile ranges over all visited states; of each dimension and side the
    farthest is a moment, unless one near it in the episode has been picked.

    Deviations from Sequeira 2023, who learns ensembles of forward models for the last two:
    familiarity is nearness to states of other episodes, and stochasticity is counted where a
    state recurred with the same action. The discount in incongruity is fitted. Re-derived from
    the definitions.
    """

    def plan(self, task: Task) -> Cost:
        """Return one query per visited state for its choices, and one for its prediction.

        Raises:
            BudgetError: The budget does not pay for them.
            DataError: There are no visited states.
        """
        n_visited = len(task.episodes.visited) if len(task.episodes) else 0
        if n_visited == 0:
            raise DataError("there are no visited states to show", hint="collect episodes first")
        need = n_visited * n_answers(task.agent)
        if need > task.meter.left.queries:
            raise BudgetError(
                f"every visited state is looked at, which takes {need} agent queries; "
                f"{task.meter.left.queries} are left",
                hint=f"a larger budget: at least {need} queries for this method",
            )
        return Cost(queries=need)

    def explain(self, task: Task) -> Finding:
        """Measure the dimensions and pick the moments."""
        self.plan(task)
        wanted = whole_number(task, "moments")
        n_moments = N_MOMENTS if wanted is None else int(np.clip(wanted, 1, MOST_MOMENTS))
        dimensions = dimensions_of(task.agent, task.episodes, seed=task.seed)
        lengths = [len(episode) for episode in task.episodes.used]
        outliers = outliers_of(dimensions)
        chosen = apart(outliers, task.episodes.visited_steps, lengths)[:n_moments]
        rows = np.array([outlier.row for outlier in chosen], dtype=np.int64)
        reasons = tuple(outlier.words for outlier in chosen)
        return Finding(
            question=_QUESTION,
            content=Summary(
                task.episodes.visited_steps[rows],
                np.array([abs(outlier.distance) for outlier in chosen]),
                "distance from the usual, in interquartile ranges",
                reasons,
                tuple(dimension.name for dimension in dimensions),
                _profile(dimensions, rows),
            ),
            facts={
                "k": fact(len(chosen)),
                "first": fact(reasons[0] if reasons else "none"),
                "n_visited": fact(len(task.episodes.visited)),
                "n_dimensions": fact(sum(d.values is not None for d in dimensions)),
            },
            warnings=tuple(
                f"The {d.name} was not measured: {d.reason}" for d in dimensions if d.reason
            ),
        )


class Outlier(NamedTuple):
    """A visited state that is out of the ordinary.

    Args:
        row: Among the visited states.
        distance: From the median in interquartile ranges, negative below it.
        dimension: In which it is.
    """

    row: int
    distance: float
    dimension: str

    @property
    def words(self) -> str:
        """What is out of the ordinary."""
        return f"{self.dimension} unusually {'high' if self.distance > 0 else 'low'}"


def outliers_of(dimensions: tuple[Dimension, ...]) -> list[Outlier]:
    """Return the farthest outlier on each side of each dimension, the farthest of all first."""
    found: list[Outlier] = []
    for dimension in dimensions:
        if dimension.values is None:
            continue
        distances = standing_out(dimension.values)
        rows = {int(distances.argmax()), int(distances.argmin())}
        found += [
            Outlier(row, float(distances[row]), dimension.name) for row in rows if distances[row]
        ]
    return sorted(found, key=lambda outlier: (-abs(outlier.distance), outlier.row))


def apart(outliers: list[Outlier], steps: np.ndarray, lengths: list[int]) -> list[Outlier]:
    """Return the outliers that are not near one before them in the same episode.

    Args:
        outliers: The most important first.
        steps: Shape (states, 2), episode and step of each visited state.
        lengths: Of the episodes.
    """
    kept: list[Outlier] = []
    for outlier in outliers:
        episode, step = steps[outlier.row]
        spacing = max(1, round(SPACING_SHARE * lengths[episode]))
        near = [
            steps[other.row, 0] == episode and abs(steps[other.row, 1] - step) < spacing
            for other in kept
        ]
        if not any(near):
            kept.append(outlier)
    return kept


def _profile(
    dimensions: tuple[Dimension, ...], rows: np.ndarray
) -> Float[np.ndarray, "moments dimensions"]:
    unknown = np.full(len(rows), np.nan)
    columns = [unknown if d.values is None else d.values[rows] for d in dimensions]
    return np.stack(columns, axis=1)
