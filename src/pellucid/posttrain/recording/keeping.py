"""Which completions of a run are kept: a choice made by seed before the run, within limits.

Whole groups are kept, because a completion's advantage is only understood beside its siblings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from pellucid.errors import InputError
from pellucid.seeds import stream


@dataclass(frozen=True)
class KeepLimits:
    """How much of a run is kept.

    Args:
        fixed_prompts: Prompts of the training set whose completions are kept whenever they occur.
        groups_per_step: Further prompts per kept step, drawn by seed.
        samples_per_step: Most completions of one step.
        token_rows_per_step: Those of them whose tokens are kept.
        samples: Most completions of the run; where the steps would give more, they are thinned
            evenly, first and last included.
        characters: Longest text that is stored whole.
        completions_per_example: Completions kept per held-out example and evaluation.

    Raises:
        InputError: A limit is below 1 (0 is allowed for prompts and token rows).
    """

    fixed_prompts: int = 20
    groups_per_step: int = 2
    samples_per_step: int = 16
    token_rows_per_step: int = 8
    samples: int = 5_000
    characters: int = 20_000
    completions_per_example: int = 4

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            least = 0 if name in ("fixed_prompts", "groups_per_step", "token_rows_per_step") else 1
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
        if (step - 1) % self.stride and step != self._n_updates:
            return Kept([], [])
        groups: dict[str, list[int]] = {}
        for row, prompt_id in enumerate(prompt_ids):
            groups.setdefault(prompt_id, []).append(row)
        others = [name for name in groups if name not in self.fixed]
        order = stream(self._seed, "recording", "step", step).permutation(len(others))
        drawn = [others[i] for i in order[: self._limits.groups_per_step]]
        rows: list[int] = []
        for name in [*(name for name in groups if name in self.fixed), *drawn]:
            rows += groups[name]
        most = self._limits
        return Kept(sorted(rows[: most.samples_per_step]), sorted(rows[: most.token_rows_per_step]))

    def describe(self) -> Mapping[str, Any]:
        """Return what is kept, for the run's head."""
        return {
            **self._limits.document(),
            "every_steps": self.stride,
            "fixed_prompt_ids": sorted(self.fixed),
        }
