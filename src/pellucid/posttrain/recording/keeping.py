"""Which completions of a run are kept: a choice made by seed before the run, within limits.

Whole groups are kept, because a completion's advantage is only understood beside its siblings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from pellucid.errors import InputError
from pellucid.seeds import stream

_MAY_BE_ZERO = ("fixed_prompts", "groups_per_step", "token_rows_per_step", "whole_step_rows")


@dataclass(frozen=True)
class KeepLimits:
    """How much of a run is kept.

    Args:
        fixed_prompts: Prompts of the training set whose completions are kept whenever they occur.
        groups_per_step: Further prompts per kept step, drawn by seed.
        samples_per_step: Completions of one step up to which further groups are added; a group is
            kept whole or not at all.
        token_rows_per_step: Completions of one step up to which the tokens of further groups are.
        whole_step_rows: The first and the last step are kept whole, tokens included, if their batch
            has at most so many rows: what adds up to the loss can be checked there.
        samples: Most completions of the run; where the steps would give more, they are thinned
            evenly, first and last included.
        characters: Longest text that is stored whole.
        completions_per_example: Completions kept per held-out example and evaluation.

    Raises:
        InputError: A limit is below 1 (0 is allowed where it makes sense).
    """

    fixed_prompts: int = 20
    groups_per_step: int = 2
    samples_per_step: int = 16
    token_rows_per_step: int = 8
    whole_step_rows: int = 256
    samples: int = 5_000
    characters: int = 20_000
    completions_per_example: int = 4

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            least = 0 if name in _MAY_BE_ZERO else 1
            if value < least:
                raise InputError(f"{name} must be at least {least}, got {value}")

    def document(self) -> dict[str, int]:
        """Return the limits as plain JSON."""
        return asdict(self)


class Kept(NamedTuple):
    """Rows of a step's batch that are recorded.

    Args:
        samples: Rows whose completions are, in order.
        tokens: Those of them whose tokens are too.
    """

    samples: list[int]
    tokens: list[int]


class Keeper:
    """Chooses what to keep; the choice depends on the seed and the step alone.

    Args:
        limits: How much.
        prompt_ids: Of the whole training set; the fixed prompts are drawn from them.
        n_updates: Updates planned; None keeps every step up to the limit of the run.
        seed: The run's seed.
    """

    def __init__(
        self,
        limits: KeepLimits,
        prompt_ids: Sequence[str],
        *,
        n_updates: int | None,
        seed: int,
    ) -> None:
        self._limits, self._seed, self._n_updates = limits, seed, n_updates
        distinct = list(dict.fromkeys(prompt_ids))
        order = stream(seed, "recording", "fixed").permutation(len(distinct))
        self.fixed = frozenset(distinct[i] for i in order[: limits.fixed_prompts])
        planned = (n_updates or 0) * limits.samples_per_step
        self.stride = max(1, -(-planned // limits.samples))

    def choose(self, step: int, prompt_ids: Sequence[str]) -> Kept:
        """Return the rows of a batch to keep.

        Args:
            step: From 1.
            prompt_ids: Of each row of the batch.
        """
        ends = (1, self._n_updates)
        if step in ends and len(prompt_ids) <= self._limits.whole_step_rows:
            return Kept([*range(len(prompt_ids))], [*range(len(prompt_ids))])
        if (step - 1) % self.stride and step not in ends:
            return Kept([], [])
        groups: dict[str, list[int]] = {}
        for row, prompt_id in enumerate(prompt_ids):
            groups.setdefault(prompt_id, []).append(row)
        others = [name for name in groups if name not in self.fixed]
        order = stream(self._seed, "recording", "step", step).permutation(len(others))
        drawn = [others[i] for i in order[: self._limits.groups_per_step]]
        chosen = [*(name for name in groups if name in self.fixed), *drawn]
        wanted = [groups[name] for name in chosen]
        return Kept(
            _whole_groups(wanted, self._limits.samples_per_step),
            _whole_groups(wanted, self._limits.token_rows_per_step),
        )

    def describe(self) -> Mapping[str, Any]:
        """Return what is kept, for the run's head."""
        return {
            **self._limits.document(),
            "every_steps": self.stride,
            "fixed_prompt_ids": sorted(self.fixed),
        }


def _whole_groups(groups: Sequence[list[int]], most: int) -> list[int]:
    """Return the rows of the first groups that fit; the first is taken whatever its size."""
    rows: list[int] = []
    for group in groups:
        if most and (not rows or len(rows) + len(group) <= most):
            rows += group
    return sorted(rows)
