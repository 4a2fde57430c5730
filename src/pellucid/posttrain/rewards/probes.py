"""Asks an encoder or a reward whether a paraphrase is nearer to a text than a corrupted copy."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from pellucid.posttrain.rewards.consistency import UNITS
from pellucid.posttrain.rewards.encoders import CachedEncoder, Encoder
from pellucid.seeds import stream
from pellucid.stats import Estimate, proportion_interval

logger = logging.getLogger(__name__)

Corruption: TypeAlias = Literal["negation", "number", "unit", "entity swap"]
Similarity: TypeAlias = Callable[[str, str], float]
"""How close a text is to a reference: `similarity(text, reference)`."""

LEAST_RATE = 0.8
"""Share of probes in which a usable reward prefers the paraphrase."""

PARAPHRASES: tuple[tuple[str, str], ...] = (
    (
        "The mass is 12 grams and the volume is 4 litres. Density is mass divided by volume.",
        "It weighs 12 grams and takes up 4 litres. You get density when mass is divided by volume.",
    ),
    (
        "The train covers 120 kilometres in 2 hours. Its speed is 60 kilometres per hour.",
        "In 2 hours the train travels 120 kilometres. It is as fast as 60 kilometres per hour.",
    ),
    (
        "Water boils at 100 degrees at sea level. On a mountain the pressure is lower.",
        "At sea level, 100 degrees is where water boils. High up there is lower air pressure.",
    ),
    (
        "The patient takes 250 milligrams every 8 hours. The dose is safe for the liver.",
        "Every 8 hours 250 milligrams are given to the patient. The liver is safe with this dose.",
    ),
    (
        "A dominant allele hides the recessive one. The mother is a carrier with 2 alleles.",
        "One allele hides the other if dominant. With 2 alleles, the mother is a carrier.",
    ),
    (
        "The wall is 3 metres high and the ladder is longer than the wall.",
        "The ladder is longer than the wall, whose height is 3 metres.",
    ),
    (
        "Sodium has 11 electrons and is a metal. Chlorine takes one electron from sodium.",
        "With its 11 electrons sodium is a metal. One electron of sodium is taken by chlorine.",
    ),
    (
        "The loan runs for 5 years. The bank is paid by the customer every month.",
        "It takes 5 years to pay the loan back. Each month the customer is paying the bank.",
    ),
    (
        "The kettle needs 3 minutes to heat 1 litre of water. It is an electric kettle.",
        "Heating 1 litre of water takes 3 minutes. The kettle is electric.",
    ),
    (
        "The lake is 40 metres deep. The river is colder than the lake.",
        "At its deepest the lake is 40 metres. Compared with the lake the river is colder.",
    ),
    (
        "The parcel weighs 7 kilograms and is heavier than the letter.",
        "At 7 kilograms, the parcel is heavier than the letter.",
    ),
    (
        "Plants use light to make sugar. This is called photosynthesis and needs 6 molecules.",
        ("Sugar is made by plants from light. Photosynthesis is its name. It takes 6 molecules."),
    ),
)
"""Texts with a second way to say each, both with a number and an "is"."""


@dataclass(frozen=True)
class Probe:
    """A text, another way to say it, and a copy that says something else.

    Args:
        kind: How the copy was corrupted.
        reference: The text.
        paraphrase: Says the same.
        corrupted: Differs in one word or two.
    """

    kind: Corruption
    reference: str
    paraphrase: str
    corrupted: str


def make_probes(
    pairs: Sequence[tuple[str, str]] = PARAPHRASES, *, seed: int = 0
) -> tuple[Probe, ...]:
    """Return the probes of pairs of paraphrases, one per corruption that a text has a place for."""
    rng = stream(seed, "encoder probes")
    probes = []
    for reference, paraphrase in pairs:
        for kind, corrupt in _CORRUPTIONS.items():
            corrupted = corrupt(reference, rng)
            if corrupted is not None:
                probes.append(Probe(kind, reference, paraphrase, corrupted))
    return tuple(probes)


def probe_rates(similarity: Similarity, probes: Sequence[Probe]) -> dict[str, Estimate]:
    """Return per corruption, and as `all`, how often the paraphrase is nearer than the copy.

    A tie counts against the similarity. The intervals are over probes.
    """
    nearer: dict[str, list[bool]] = {}
    for probe in probes:
        prefers = similarity(probe.paraphrase, probe.reference) > similarity(
            probe.corrupted, probe.reference
        )
        nearer.setdefault(probe.kind, []).append(prefers)
        nearer.setdefault("all", []).append(prefers)
    return {kind: proportion_interval(sum(found), len(found)) for kind, found in nearer.items()}


def cosine_similarity(encoder: Encoder) -> Similarity:
    """Return the plain cosine of two texts under an encoder."""
    encode = CachedEncoder(encoder)

    def similarity(text: str, reference: str) -> float:
        first, second = encode([text, reference])
        return float(first @ second)

    return similarity


def check_similarity(
    similarity: Similarity, *, name: str, probes: Sequence[Probe] | None = None
) -> dict[str, Estimate]:
    """Return the rates, and warn if the paraphrase is not nearer in four of five probes.

    Args:
        similarity: What a reward measures.
        name: What it is called in the warning.
        probes: `make_probes()` by default; give ones of the domain that is trained on.
    """
    rates = probe_rates(similarity, make_probes() if probes is None else probes)
    if rates["all"].value < LEAST_RATE:
        told = ", ".join(f"{kind} {found.value:.0%}" for kind, found in rates.items())
        logger.warning(
            "%s prefers a paraphrase to a corrupted copy too rarely (%s; n=%d): do not use it "
            "without a gate on the answer",
            name,
            told,
            rates["all"].n,
        )
    return rates


# --- corruptions: each returns None if the text has no place for it ---


def _negated(text: str, rng: np.random.Generator) -> str | None:
    places = [found.end() for found in re.finditer(r"\b(?:is|are|was|has)\b(?! not)", text)]
    if not places:
        return None
    place = places[int(rng.integers(len(places)))]
    return f"{text[:place]} not{text[place:]}"


def _other_number(text: str, rng: np.random.Generator) -> str | None:
    found = list(re.finditer(r"\d{1,9}", text))
    if not found:
        return None
    chosen = found[int(rng.integers(len(found)))]
    value = int(chosen[0]) + int(rng.integers(1, 9))
    return f"{text[: chosen.start()]}{value}{text[chosen.end() :]}"


def _other_unit(text: str, rng: np.random.Generator) -> str | None:
    found = [m for m in re.finditer(r"[a-z]+", text) if len(m[0]) > 3 and m[0] in UNITS]
    if not found:
        return None
    chosen = found[int(rng.integers(len(found)))]
    own = UNITS[chosen[0]]
    others = sorted(u for u in UNITS if u.endswith("s") and len(u) > 4 and UNITS[u] != own)
    return f"{text[: chosen.start()]}{others[int(rng.integers(len(others)))]}{text[chosen.end() :]}"


def _swapped(text: str, rng: np.random.Generator) -> str | None:
    """Swap two nouns of one sentence: words after an article that are not the same."""
    for start, stop in _sentence_spans(text):
        nouns = list(re.finditer(r"(?<=\bthe )[a-z]{3,}", text[start:stop], re.IGNORECASE))
        nouns = [noun for noun in nouns if noun[0] not in UNITS]
        if len(nouns) >= 2 and nouns[0][0] != nouns[-1][0]:
            a, b = nouns[0], nouns[-1]
            sentence = text[start:stop]
            swapped = (
                sentence[: a.start()] + b[0] + sentence[a.end() : b.start()] + a[0]
            ) + sentence[b.end() :]
            return text[:start] + swapped + text[stop:]
    return None


def _sentence_spans(text: str) -> list[tuple[int, int]]:
    ends = [found.end() for found in re.finditer(r"[.!?](?= |$)", text)]
    return list(zip([0, *ends[:-1]], ends, strict=True)) if ends else [(0, len(text))]


_CORRUPTIONS: Mapping[Corruption, Callable[[str, np.random.Generator], str | None]] = {
    "negation": _negated,
    "number": _other_number,
    "unit": _other_unit,
    "entity swap": _swapped,
}
