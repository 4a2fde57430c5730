"""Notices that a run learns nothing, and says why, before it is taken for a success."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from pellucid.errors import PellucidError

Trouble = Literal["diverged", "not_finite", "unscored", "no_gradient", "unchanged"]


@dataclass(frozen=True)
class Diagnosis:
    """Why a run was stopped.

    Args:
        trouble: Which kind.
        update: The update at which it was stopped.
        message: What was found, in one sentence.
        hint: What to look at, in one sentence.
    """

    trouble: Trouble
    update: int
    message: str
    hint: str


class TrainingStoppedError(PellucidError):
    """Training found that going on made no sense.

    Args:
        diagnosis: Why.
    """

    kind = "training"

    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__(diagnosis.message, hint=diagnosis.hint)
        self.diagnosis = diagnosis


@dataclass
class Watch:
    """Counts how many updates in a row had a trouble.

    Args:
        patience: Updates without any gradient, or without any weight changed, after which the run
            stops; None for no such limit, where a method is known to wait for its first success.
        tolerated: Updates after which it stops if nothing could be scored, or loss or gradient
            were not finite.
        counts: By trouble.
    """

    patience: int | None
    tolerated: int
    counts: dict[str, int] = field(default_factory=dict)

    def observe(
        self,
        update: int,
        *,
        finite: bool,
        diverged: bool,
        grad_norm: float,
        changed: bool,
        n_samples: int,
        n_unscored: int,
    ) -> Diagnosis | None:
        """Take in one update, of all processes; return a diagnosis if the run has to stop.

        Args:
            update: Its number.
            finite: Whether loss and gradient were.
            diverged: Whether the weights are not finite any more; there is no way back from that.
            grad_norm: Before clipping.
            changed: Whether weights changed.
            n_samples: Responses.
            n_unscored: Those that could not be scored.
        """
        if diverged:
            return diagnosed("diverged", update)
        unscored = n_samples > 0 and n_unscored == n_samples
        seen: Mapping[Trouble, bool] = {
            "unscored": unscored,
            "not_finite": not finite,
            "no_gradient": finite and grad_norm == 0 and not unscored,
            "unchanged": finite and grad_norm > 0 and not changed,
        }
        for trouble, present in seen.items():
            self.counts[trouble] = self.counts.get(trouble, 0) + 1 if present else 0
            limit = self.tolerated if trouble in ("unscored", "not_finite") else self.patience
            if limit is not None and self.counts[trouble] >= limit:
                return diagnosed(trouble, update, self.counts[trouble])
        return None


_FOUND: Mapping[Trouble, tuple[str, str]] = MappingProxyType(
    {
        "diverged": (
            "the weights or what the model computes are not finite any more",
            "lower the learning rate; the last checkpoint is from before",
        ),
        "unscored": (
            "no response could be scored: every reward was None",
            "look at the completions, and at what the reward functions need to score one",
        ),
        "not_finite": (
            "the loss or the gradient was not finite",
            "lower the learning rate, and look for infinite or extreme rewards",
        ),
        "no_gradient": (
            "the gradient was exactly 0, as it is if all rewards of every group are equal",
            "sample more responses per prompt, take easier or harder prompts, or use guidance",
        ),
        "unchanged": (
            "no weight changed although there was a gradient",
            "the learning rate may be too small for the precision of the weights",
        ),
    }
)


def diagnosed(trouble: Trouble, update: int, n_updates: int = 1) -> Diagnosis:
    """Return the diagnosis of a trouble that lasted `n_updates` up to `update`."""
    found, hint = _FOUND[trouble]
    last = f"update {update}" if n_updates == 1 else f"{n_updates} updates, up to {update}"
    return Diagnosis(trouble, update, f"training stopped after {last}: {found}", hint)
