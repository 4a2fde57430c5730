"""Component level: how far each told component is from what it brings in fresh futures."""

from pellucid.errors import CapabilityError
from pellucid.explanation import Check, Components, Score, metric
from pellucid.faithfulness.measured_parts import measured_parts, missed, permuted_errors
from pellucid.faithfulness.results import paired_score


@metric(
    "component_level",
    kind=Components,
    label="error of each told component of the return",
    direction="lower",
    unit="state",
    closed_loop=True,
    source="ours, after Towers 2024 (temporal reward decomposition), by branching",
    targets=("return",),
)
def component_level(check: Check) -> tuple[Score, ...]:
    """Score components of the return by what they bring if the agent goes on.

    Up to five fresh futures from each explained state, until the episode ends. Value of a state:
    the mean over components of the absolute difference between told and measured, discounted as the
    explanation says. Control on the same futures: the told components permuted. Where all
    components are alike, as with an equal reward in every step, no order can be told from another,
    and the explanation does as well as its control.

    States are units: those of one episode are taken as independent.

    Raises:
        CapabilityError: No environment, no branching, or a single component.
        BudgetError: Less than five states.
    """
    content = check.finding.content
    assert isinstance(content, Components)
    if content.values.shape[1] != 1:
        raise CapabilityError(
            "components of a return have one output, and these have one per action",
            hint="another method",
        )
    action = check.episodes[0].actions[:0]
    measured = measured_parts(check, "component_level", [[action]] * len(content.values))
    told, found = content.values[:, 0], measured.parts[:, 0]
    score = paired_score(
        component_level.info,  # type: ignore[attr-defined]
        missed(told, found),
        permuted_errors(check, "component_level", told, found),
        "the same components, permuted",
        value_unit=check.episodes.names.reward_unit,
        complete=measured.complete,
    )
    return (score,)
