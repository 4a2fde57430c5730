"""Highlights: a few moments that matter, each unlike the others (leaf F1)."""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial.distance import cdist

from pellucid.agents.flatten import flat
from pellucid.budget import Cost
from pellucid.errors import BudgetError, DataError
from pellucid.explainers.summary.importance import importance_for
from pellucid.explanation import Finding, Sentences, Summary, Task, explainer, fact
from pellucid.explanation.options import whole_number
from pellucid.kernels.facility_location import facility_location
from pellucid.types import Observations

N_MOMENTS = 5
CANDIDATES_SHARE, FEWEST_CANDIDATES, MOST_CANDIDATES = 0.1, 50, 400
SPACING_SHARE = 0.05
"""Share of an episode by which two moments of it are apart at least."""
MOST_NUMBERS = 2**26
"""Numbers of visited states up to which all of them tell how much inputs vary."""
LEAST_GAIN = 0.01
"""Moments that add less than this share of what the first one adds are not shown."""

_QUESTION = "Which moments show best what it does?"


@explainer(
    "highlights",
    leaf="F1",
    kind=Summary,
    decisive="highlight_drop",
    source="Amir 2018 (HIGHLIGHTS-DIV); diversity by facility location ours",
    question=_QUESTION,
    sentences=Sentences(
        supported="Random actions at the moments shown ({k}, by the {importance}) cost {d} {unit} "
        "({lo} to {hi}); at random moments {r}.",
        weak="The moments shown ({k}, by the {importance}) may matter: random actions there cost "
        "{d} {unit} ({lo} to {hi}), not clearly more than at random moments ({r}).",
        thin="Random actions at the moments shown ({k}, by the {importance}) may cost {d} {unit} "
        "({lo} to {hi}), at random moments {r}; but {reason}.",
        failed="The moments shown do not matter more: random moments would have done as well.",
        not_measured="Whether the moments shown matter was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="how often such moments occur",
    ),
    options={"moments": "how many moments are shown, from 1 to 20"},
)
class Highlights:
    """Picks moments whose choice matters most, and skips those that look like one already picked.

    A moment matters by the spread of the agent's Q-values; agents without Q-values are asked for
    what stands in for it, and the text names it. Among the tenth of the visited states that matter
    most (50 to 400), moments are picked one by one so that each state, weighted by how much it
    matters, has a picked one near it in standardised inputs. Deviation from Amir 2018: no threshold
    on the similarity of two states has to be chosen, and the moments are those of stored episodes.
    """

    def plan(self, task: Task) -> Cost:
        """Return one query per visited state.

        Raises:
            BudgetError: The budget does not pay for them.
            CapabilityError: The agent tells nothing of what matters.
            DataError: There are no visited states.
        """
        importance_for(task.agent)
        n_visited = len(task.episodes.visited) if len(task.episodes) else 0
        if n_visited == 0:
            raise DataError("there are no visited states to show", hint="collect episodes first")
        if n_visited > task.meter.left.queries:
            raise BudgetError(
                f"every visited state is looked at once, which takes {n_visited} agent queries; "
                f"{task.meter.left.queries} are left",
                hint=f"a larger budget: at least {n_visited} queries for this method",
            )
        return Cost(queries=n_visited)

    def explain(self, task: Task) -> Finding:
        """Pick the moments."""
        self.plan(task)
        wanted = _n_moments(task)
        importance = importance_for(task.agent)
        values = importance.measure(task.agent, task.episodes)
        candidates = _candidates(values)
        steps = task.episodes.visited_steps[candidates]
        weights = values[candidates] - values.min()
        chosen = facility_location(
            _similarity(task.episodes.visited, candidates),
            weights if weights.max() > 0 else np.ones(len(candidates)),
            _too_close(steps, [len(episode) for episode in task.episodes.used]),
            wanted,
            least_gain=LEAST_GAIN,
        )
        return Finding(
            question=_QUESTION,
            content=Summary(steps[chosen], values[candidates[chosen]], importance.name),
            facts={
                "k": fact(len(chosen)),
                "n_visited": fact(len(values)),
                "importance": fact(importance.name),
            },
        )


def _n_moments(task: Task) -> int:
    wanted = whole_number(task, "moments")
    return N_MOMENTS if wanted is None else int(np.clip(wanted, 1, 20))


def _candidates(values: Float[np.ndarray, " states"]) -> Int[np.ndarray, " candidates"]:
    n = int(np.clip(CANDIDATES_SHARE * len(values), FEWEST_CANDIDATES, MOST_CANDIDATES))
    return np.sort(np.argsort(-values, kind="stable")[:n])


def _similarity(
    visited: Observations, candidates: Int[np.ndarray, " candidates"]
) -> Float[np.ndarray, "candidates candidates"]:
    """Return 1 for equal states, falling with the squared distance in standardised inputs."""
    # images have too many numbers for all of them to be copied as floats
    of_spread = visited if visited.size <= MOST_NUMBERS else visited[candidates]
    spread = flat(of_spread).std(axis=0)
    rows = flat(visited[candidates]) / np.where(spread > 0, spread, 1.0)
    distances = cdist(rows, rows)
    apart = distances[distances > 0]
    scale = float(np.median(apart)) if len(apart) else 1.0
    return np.asarray(np.exp(-((distances / scale) ** 2)))


def _too_close(
    steps: Int[np.ndarray, "candidates 2"], lengths: list[int]
) -> Bool[np.ndarray, "candidates candidates"]:
    spacing = np.maximum(1, np.round(SPACING_SHARE * np.array(lengths)))[steps[:, 0]]
    same = steps[:, 0][:, None] == steps[:, 0]
    apart = np.abs(steps[:, 1][:, None] - steps[:, 1])
    return np.asarray(same & (apart < spacing[:, None]))
