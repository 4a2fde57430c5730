"""Data influence: which recorded episodes teach a decision, by taking each one out (leaf F4)."""

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.outputs import outputs_of_actions
from pellucid.budget import Cost
from pellucid.explainers.data.decisions import cost_of_decisions, place_of, shown_moment
from pellucid.explanation import Contributions, Finding, Sentences, Task, explainer, fact
from pellucid.explanation.contributors import named_episodes
from pellucid.explanation.options import EPISODE, STEP
from pellucid.rollouts.clones import agreement, decisions_at, fit_clone, moments_of

_QUESTION = "Which recorded episodes would teach this choice?"


@explainer(
    "data-influence",
    leaf="F4",
    kind=Contributions,
    decisive="removal_neighbours",
    source="Koh 2017 (influence of training data), exact and by episodes, on a clone",
    question=_QUESTION,
    sentences=Sentences(
        supported="A clone of the recorded choices owes this one to {x} most: without it, it "
        "agrees {y} points of 100 less. A clone of another kind loses {d} without the episodes "
        "named ({lo} to {hi}), without random ones {r}.",
        weak="A clone of the recorded choices may owe this one to {x} most. A clone of another "
        "kind loses {d} points of 100 without the episodes named ({lo} to {hi}), not clearly "
        "more than without random ones ({r}).",
        thin="A clone of the recorded choices may owe this one to {x} most. A clone of another "
        "kind loses {d} points of 100 without the episodes named ({lo} to {hi}), without random "
        "ones {r}; but {reason}.",
        failed="Which episodes teach this choice could not be shown: a clone of another kind "
        "loses no more without the ones named than without random ones.",
        not_measured="Which episodes teach this choice was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that the agent itself was trained on these episodes, or would change",
    ),
    options={**EPISODE, **STEP},
    on_record=True,
)
class DataInfluence:
    """Takes each episode out of a clone and sees how far it then agrees with a decision.

    The clone is ridge regression with a Gaussian kernel on standardised inputs, fitted to the
    recorded actions; it never sees the episode of the decision. An episode's value is the agreement
    with what the agent does there, in points of 100, that is lost by the clone that never saw this
    episode either: exactly what fitting again gives, with width and penalty held
    (`kernels.leave_out`). Negative values speak for another action. Deviation from Koh 2017: not
    the first-order estimate, and whole episodes in place of single examples.

    The test removes the most influential tenth of the episodes, together, from a clone of another
    kind, which has no part in the explanation.
    """

    def plan(self, task: Task) -> Cost:
        """Return one query per decision.

        Raises:
            BudgetError: The budget does not pay for them.
            CapabilityError: The agent has a memory, or observations are no numbers.
            DataError: There are less than three episodes.
        """
        return cost_of_decisions(task)

    def explain(self, task: Task) -> Finding:
        """Take every episode out, for every decision."""
        self.plan(task)
        shown, n_episodes = shown_moment(task), len(task.episodes)
        moments = moments_of(task.episodes, shown)
        by_moment, whole = _influences(task, moments)
        at = place_of(moments, shown)
        content = Contributions(
            names=tuple(f"episode {i}" for i in range(n_episodes)),
            values=by_moment[at],
            standard_errors=np.full(n_episodes, np.nan),
            total=float(whole[at]),
            unit="points of agreement",
            moments=moments,
            members=np.arange(n_episodes),
            by_moment=by_moment,
            shown=at,
        )
        top = int(np.argmax(content.values))
        return Finding(
            question=_QUESTION,
            content=content,
            facts={
                "x": fact(content.names[top]),
                "y": fact(float(content.values[top])),
                "agreement": fact(float(whole[at])),
                "m": fact(len(named_episodes(content, at))),
                "episode": fact(shown[0]),
                "step": fact(shown[1]),
            },
        )


def _influences(
    task: Task, moments: Int[np.ndarray, "moments 2"]
) -> tuple[Float[np.ndarray, "moments episodes"], Float[np.ndarray, " moments"]]:
    """Return what each episode is worth to each decision, and the agreement with all of them."""
    space = task.agent.action_space
    wanted = outputs_of_actions(decisions_at(task.agent, task.episodes, moments), space)
    clone = fit_clone(task.episodes, space)
    near = clone.similarities(task.episodes, moments)
    found = np.zeros((len(moments), len(task.episodes)))
    whole = np.zeros(len(moments))
    for number, episode in enumerate(np.unique(moments[:, 0]).tolist()):
        rows = moments[:, 0] == episode

        def agreed(without: list[int], rows: np.ndarray = rows) -> np.ndarray:
            outputs = clone.outputs(near[rows], without)
            return agreement(outputs, wanted[rows], space, clone.ranges)

        whole[rows] = agreed([episode])
        for other in range(len(task.episodes)):
            if other != episode:
                found[rows, other] = whole[rows] - agreed([episode, other])
        task.progress((number + 1) / len(np.unique(moments[:, 0])))
    return found, whole
