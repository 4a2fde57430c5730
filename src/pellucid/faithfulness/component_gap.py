"""Component gap: how far told differences between two actions are from what forcing them brings."""

import numpy as np

from pellucid.errors import CapabilityError
from pellucid.explanation import Check, Components, Score, metric
from pellucid.faithfulness.measured_parts import measured_parts, missed, permuted_errors
from pellucid.faithfulness.results import paired_score
from pellucid.stats import differences


@metric(
    "component_gap",
    kind=Components,
    label="error of the told difference of each component between its choice and the next best",
    direction="lower",
    unit="state",
    closed_loop=True,
    source="ours, after Juozapaitis 2019 (reward difference explanations), by branching",
    targets=("action",),
)
def component_gap(check: Check) -> tuple[Score, ...]:
    """Score components by the differences that forcing either action makes.

    In each explained state the agent's own choice and the best other action by the told whole are
    each forced for one step, and the agent goes on until the episode ends, in up to five fresh
    futures with the same noise for both. Value of a state: the mean over components of the absolute
    difference between told and measured, discounted as the explanation says. Control on the same
    futures: the told differences with their components permuted.

    States are units: those of one episode are taken as independent.

    Raises:
        CapabilityError: No environment, no branching, no choice, or a single component.
        BudgetError: Less than five states.
    """
    content = check.finding.content
    assert isinstance(content, Components)
    if len(content.chosen) != len(content.values) or (content.rivals < 0).any():
        raise CapabilityError(
            "it is not told of which choices the components are", hint="another method"
        )
    space = check.agent.action_space
    pairs = np.stack((content.chosen, content.rivals), axis=1)
    forced = [[np.array([space.start + o], dtype=space.dtype) for o in pair] for pair in pairs]
    measured = measured_parts(check, "component_gap", forced)
    found = differences(measured.parts[:, 0], measured.parts[:, 1])
    rows = np.arange(len(pairs))
    told = content.values[rows, pairs[:, 0]] - content.values[rows, pairs[:, 1]]
    score = paired_score(
        component_gap.info,  # type: ignore[attr-defined]
        missed(told, found),
        permuted_errors(check, "component_gap", told, found),
        "the same differences, their components permuted",
        value_unit=check.episodes.names.reward_unit,
        complete=measured.complete,
    )
    return (score,)
