"""Forecast records: whether recorded episodes stayed inside the bands that were announced."""

from pellucid.errors import CapabilityError
from pellucid.explanation import Bands, Check, Score, metric
from pellucid.faithfulness.forecast_futures import band_scores


@metric(
    "forecast_records",
    kind=Bands,
    label="penalty of the announced bands in recorded episodes that they knew nothing of",
    direction="lower",
    unit="episode",
    source="Gneiting 2007 (interval score, equation 43), on records kept apart",
    targets=("return",),
)
def forecast_records(check: Check) -> tuple[Score, ...]:
    """Score announced bands by what followed in the records.

    As `forecast_futures`, with the one future that each state had.

    Raises:
        CapabilityError: The announcements knew these episodes.
    """
    content = check.finding.content
    assert isinstance(content, Bands)
    if not content.held_out:
        raise CapabilityError(
            "the announcements rest on the recorded episodes themselves",
            hint="the test that runs the environment",
        )
    info = forecast_records.info  # type: ignore[attr-defined]
    return band_scores(info, content, content.followed[:, None])
