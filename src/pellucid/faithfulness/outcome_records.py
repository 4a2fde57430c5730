"""Outcome records: how far what was announced is from recorded episodes that were kept apart."""

from pellucid.errors import CapabilityError
from pellucid.explanation import Amounts, Check, Score, metric
from pellucid.faithfulness.outcome_amounts import amounts_unit, of_others, per_episode
from pellucid.faithfulness.results import paired_score


@metric(
    "outcome_records",
    kind=Amounts,
    label="error of the announced amounts in episodes kept apart, all events together",
    direction="lower",
    unit="episode",
    source="ours, after Yau 2020 (belief maps)",
    targets=("action",),
)
def outcome_records(check: Check) -> tuple[Score, ...]:
    """Score announced amounts by what followed in the records, where they knew nothing of them.

    Value of a state: the sum over events of the absolute difference between what was announced of
    the own choice and what followed it; of an episode: the mean over its states. Control: what was
    announced of the other states, on average.

    Raises:
        CapabilityError: The announcements knew these episodes.
    """
    content = check.finding.content
    assert isinstance(content, Amounts)
    if not content.held_out:
        raise CapabilityError(
            "the announcements rest on the recorded episodes themselves",
            hint="the test that runs the environment",
        )
    told, followed = content.amounts[:, :1], content.realised[:, None]
    missed = abs(told - followed).sum(axis=2)[:, 0]
    score = paired_score(
        outcome_records.info,  # type: ignore[attr-defined]
        per_episode(missed, content.steps),
        per_episode(of_others(told, followed), content.steps),
        "what was announced of other states",
        value_unit=amounts_unit(check, content),
    )
    return (score,)
