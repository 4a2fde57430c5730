"""What explainers of data share: the decision they tell of, and what looking at decisions costs."""

import numpy as np
from jaxtyping import Int

from pellucid.agents.flatten import n_inputs
from pellucid.budget import Cost
from pellucid.errors import BudgetError
from pellucid.explanation import Task
from pellucid.explanation.options import chosen_episode, chosen_step
from pellucid.rollouts.clones import asks, check_clonable, moments_of


def shown_moment(task: Task) -> tuple[int, int]:
    """Return the episode and step asked for, else the middle of the typical episode.

    Raises:
        InputError: There is no such episode or step.
        DataError: There is no episode.
    """
    position = chosen_episode(task)
    step = chosen_step(task, position)
    return position, len(task.episodes[position]) // 2 if step is None else step


def place_of(moments: Int[np.ndarray, "moments 2"], shown: tuple[int, int]) -> int:
    """Return the row of the decision that is told of."""
    return int(np.flatnonzero((moments == shown).all(axis=1))[0])


def cost_of_decisions(task: Task, *, more: int = 0) -> Cost:
    """Return one query per decision that is looked at, and what else is asked.

    Args:
        task: The task.
        more: Queries beside those.

    Raises:
        BudgetError: The budget does not pay for them.
        CapabilityError: The agent has a memory, or observations are no numbers.
        DataError: There are less than three episodes.
    """
    check_clonable(task.agent, task.episodes)
    n_inputs(task.agent.observation_space)
    asked = len(moments_of(task.episodes, shown_moment(task))) if asks(task.agent) else 0
    need = asked + more
    if need > task.meter.left.queries:
        raise BudgetError(
            f"looking at recorded decisions takes {need} agent queries; "
            f"{task.meter.left.queries} are left",
            hint=f"a larger budget: at least {need} queries for this method",
        )
    return Cost(queries=need)
