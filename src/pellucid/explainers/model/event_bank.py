"""A bank of events, each a change of the state and a phrase: derived from the inputs, or given."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.flatten import flat
from pellucid.envs.names import Names
from pellucid.errors import DataError, InputError
from pellucid.explanation.wording import show
from pellucid.kernels.events import END, Events, outcomes
from pellucid.rollouts.episodes import Episodes

MOST_EVENTS = 8
LEAST_RATE = 0.02
"""Share of states from which an event must happen, and must not happen, to say anything."""
TAIL = 0.1
"""Share of the values of an input beyond which it is high, or low."""
_END_WORDS = "the episode ends by itself"
_GIVEN = re.compile(r"(?P<input>.+?)\s*(?P<sign>[<>])\s*(?P<value>[^:]+?)\s*(?::(?P<phrase>.*))?")
_ENDS = re.compile(r"end\s*(?::(?P<phrase>.*))?", re.IGNORECASE)


@dataclass(frozen=True)
class EventBank:
    """Events with their phrases, and how often they happen.

    Args:
        events: What counts.
        phrases: One per event, as part of a sentence.
        rates: Shape (events,), share of recorded states from which each happens within the horizon.
        times: Shape (states, events), after how many steps each happens from each visited state;
            infinite if not within the horizon, NaN if that was not seen.
    """

    events: Events
    phrases: tuple[str, ...]
    rates: Float[np.ndarray, " events"]
    times: Float[np.ndarray, "states events"]

    def some(self, chosen: Int[np.ndarray, " chosen"]) -> "EventBank":
        """Return some of the events, in that order."""
        phrases = tuple(self.phrases[i] for i in chosen)
        return EventBank(
            self.events.some(chosen), phrases, self.rates[chosen], self.times[:, chosen]
        )


def given_bank(episodes: Episodes, given: Sequence[str], horizon: int) -> EventBank:
    """Return the events that a user names.

    Args:
        episodes: Tell names of inputs and how often each event happens.
        given: Each `INPUT > NUMBER` or `INPUT < NUMBER`, with the name or the number of an input,
            or `end`; then, after a colon, a phrase.
        horizon: Steps ahead.

    Raises:
        InputError: One is no such thing, or there are none or too many.
    """
    if not 1 <= len(given) <= MOST_EVENTS:
        raise InputError(f"1 to {MOST_EVENTS} events can be told of, got {len(given)}")
    parsed = [_parsed(text, episodes.names) for text in given]
    events = Events(
        np.array([column for column, *_ in parsed], dtype=np.int64),
        np.array([threshold for _, threshold, *_ in parsed]),
        np.array([sign for *_, sign, _ in parsed], dtype=np.int64),
    )
    return _measured(episodes, events, tuple(phrase for *_, phrase in parsed), horizon)


def derived_bank(episodes: Episodes, horizon: int) -> EventBank:
    """Return events that sometimes happen within the horizon, those in doubt most often first.

    An input that has two values becomes either; any other one enters the highest or the lowest
    tenth of what it was, and turns positive or negative if it has both signs. And the episode ends
    by itself.

    Raises:
        DataError: There is no event that happens from some states and not from others.
    """
    rows = flat(episodes.visited)
    crossings = [c for i in range(rows.shape[1]) for c in _of_input(rows[:, i], i, episodes.names)]
    crossings.append((END, np.nan, 1, _END_WORDS))
    events = Events(
        np.array([column for column, *_ in crossings], dtype=np.int64),
        np.array([threshold for _, threshold, *_ in crossings]),
        np.array([sign for *_, sign, _ in crossings], dtype=np.int64),
    )
    bank = _measured(episodes, events, tuple(phrase for *_, phrase in crossings), horizon)
    usable = np.flatnonzero((bank.rates >= LEAST_RATE) & (bank.rates <= 1 - LEAST_RATE))
    if not len(usable):
        raise DataError(
            f"no event that could be named happens within {horizon} steps of some states and not "
            "of others",
            hint="another horizon, or events of your own",
        )
    # ties are told apart by when the events happen, so that the order of the inputs tells nothing
    waits = np.nanmean(np.minimum(bank.times, 2.0 * horizon), axis=0)
    doubt = bank.rates * (1 - bank.rates)
    order = sorted(usable.tolist(), key=lambda i: (-doubt[i], waits[i]))
    return bank.some(np.array(order[:MOST_EVENTS], dtype=np.int64))


def _measured(
    episodes: Episodes, events: Events, phrases: tuple[str, ...], horizon: int
) -> EventBank:
    times = np.concatenate(
        [outcomes(flat(e.observations), e.terminated, events, horizon) for e in episodes.used]
    )
    known = ~np.isnan(times).all(axis=1)
    if not known.any():
        raise DataError(
            f"no recorded episode shows {horizon} steps after a state, or its end",
            hint="a shorter horizon",
        )
    return EventBank(events, phrases, np.isfinite(times[known]).mean(axis=0), times)


def _of_input(
    values: Float[np.ndarray, " states"], column: int, names: Names
) -> list[tuple[int, float, int, str]]:
    name, unit = names.inputs[column], names.input_units[column]
    kinds = np.unique(values)
    if len(kinds) < 2 or not np.isfinite(kinds).all():
        return []
    if len(kinds) == 2:
        middle = float(kinds.mean())
        becomes = [f"{name} becomes {show(float(kind))}" for kind in kinds]
        return [(column, middle, 1, becomes[1]), (column, middle, -1, becomes[0])]
    signs = []
    if kinds[0] < 0 < kinds[-1]:
        signs = [
            (column, 0.0, 1, f"{name} turns positive"),
            (column, 0.0, -1, f"{name} turns negative"),
        ]
    low, high = (float(q) for q in np.quantile(values, (TAIL, 1 - TAIL)))
    return [
        *signs,
        (column, high, 1, f"{name} rises above {_with_unit(high, unit)}"),
        (column, low, -1, f"{name} falls below {_with_unit(low, unit)}"),
    ]


def _with_unit(value: float, unit: str) -> str:
    times = "× " if unit[:1].isdigit() else ""  # a unit that is a multiple, such as 7.5 units/s
    return f"{show(value)} {times}{unit}".rstrip()


def _parsed(text: str, names: Names) -> tuple[int, float, int, str]:
    ends = _ENDS.fullmatch(text.strip())
    if ends is not None:
        return END, np.nan, 1, (ends["phrase"] or "").strip() or _END_WORDS
    found = _GIVEN.fullmatch(text.strip())
    hint = f"such as {names.inputs[0]!r} > 0.5: it is too far, or end: it falls"
    if found is None:
        raise InputError(f"the event {text!r:.60} is not INPUT > NUMBER: PHRASE", hint=hint)
    column = _column(found["input"], names)
    try:
        threshold = float(found["value"])
    except ValueError:
        threshold = np.nan
    if not np.isfinite(threshold):
        raise InputError(f"the event {text!r:.60} has no number after {found['sign']}", hint=hint)
    sign = 1 if found["sign"] == ">" else -1
    verb = "rises above" if sign == 1 else "falls below"
    phrase = (found["phrase"] or "").strip()
    unit = names.input_units[column]
    return (
        column,
        threshold,
        sign,
        phrase or f"{names.inputs[column]} {verb} {_with_unit(threshold, unit)}",
    )


def _column(named: str, names: Names) -> int:
    if named in names.inputs:
        return names.inputs.index(named)
    if named.isdecimal() and int(named) < len(names.inputs):
        return int(named)
    raise InputError(
        f"there is no input {named!r:.40}",
        hint=f"inputs: {', '.join(names.inputs[:20])}",
    )
