"""The moment of each episode at which the observation changes the most."""

import numpy as np
from jaxtyping import Float

from pellucid.budget import Cost
from pellucid.errors import DataError
from pellucid.explanation import Finding, Sentences, Summary, Task, explainer, fact
from pellucid.rollouts import Episode


def jumps(episode: Episode) -> Float[np.ndarray, " steps"]:
    """Return the size of the change of observation at each step (Euclidean norm)."""
    change = np.diff(episode.observations.astype(np.float64), axis=0)
    return np.linalg.norm(change.reshape(len(change), -1), axis=1)


@explainer(
    "toy-jumps",
    leaf="F1",
    kind=Summary,
    decisive="toy_jump_size",
    source="pellucid-toy 2026",
    question="At which moment does the situation change the most?",
    sentences=Sentences(
        supported="At these {k} moments the situation changes by {d} ({lo} to {hi}); at random "
        "moments by {r}.",
        weak="At these {k} moments the situation may change more than at random ones.",
        thin="At these {k} moments the situation may change more than at random ones; "
        "but {reason}.",
        failed="Random moments would have done as well.",
        not_measured="Whether these moments matter was not tested: {reason}. To test it: {need}.",
        does_not_say="that the agent chose these {k} moments",
    ),
)
class Jumps:
    """Names one moment per episode; asks neither the agent nor the environment anything."""

    def plan(self, task: Task) -> Cost:
        """Return no work."""
        return Cost()

    def explain(self, task: Task) -> Finding:
        """Find the moments.

        Raises:
            DataError: There is no finished episode.
        """
        if len(task.episodes) == 0:
            raise DataError("there is no finished episode to explain")
        sizes = [jumps(episode) for episode in task.episodes.used]
        steps = [(i, int(size.argmax())) for i, size in enumerate(sizes)]
        content = Summary(
            steps=np.array(steps, dtype=np.int64),
            importance=np.array([size.max() for size in sizes]),
            importance_name="change of the observation",
        )
        return Finding("At which moment?", content, {"k": fact(len(steps))})
