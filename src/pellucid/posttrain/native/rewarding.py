"""Calls reward functions so that one that fails on a response costs that response, not the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from pellucid.errors import InputError, PellucidError
from pellucid.posttrain.objectives import combined_rewards
from pellucid.posttrain.rewards.function import RewardFunction, finite_or_none
from pellucid.posttrain.tasks.example import Example, reward_columns
from pellucid.registry import unknown_name
from pellucid.types_torch import RowValues


class RewardError(PellucidError):
    """A reward function failed on more responses than the run tolerates."""

    kind = "reward"


@dataclass(frozen=True)
class Scores:
    """The rewards of some responses.

    Args:
        raw: Per component, shape (rows,), float64; NaN where it has no score.
        total: Shape (rows,); weighted sum, NaN where the response could not be scored.
        failures: Per response: which component raised what; empty if none did.
    """

    raw: Mapping[str, RowValues]
    total: RowValues
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Rewards:
    """The reward components of a run, with their weights.

    A function that raises is called again for each response alone; the responses that it still
    raises for have no score from it, and the reason is kept.

    Args:
        functions: By name of the component.
        weights: By name; 1 each if None. A component of weight 0 is measured and not learned.
        gold: The component that says whether the answer is right; None if none does.
        missing: What one missing component does to the sum; see `combined_rewards`.
        tolerated: Largest share of a batch on which a function may raise.

    Raises:
        InputError: No function; a weight that is not finite or is for no function; all weights 0;
            `gold` is no function; a share outside 0..1.
    """

    functions: Mapping[str, RewardFunction]
    weights: Mapping[str, float] | None = None
    gold: str | None = None
    missing: Literal["unscorable", "skip"] = "unscorable"
    tolerated: float = 0.1
    learned: Mapping[str, float] = field(init=False)

    def __post_init__(self) -> None:
        if not self.functions:
            raise InputError("training needs at least one reward function, got none")
        for name in [*(self.weights or {}), *([self.gold] if self.gold else [])]:
            if name not in self.functions:
                raise unknown_name("reward", name, list(self.functions))
        if not 0 <= self.tolerated <= 1:
            raise InputError(f"the tolerated share must lie in 0..1, got {self.tolerated}")
        weights = dict.fromkeys(self.functions, 1.0) | dict(self.weights or {})
        odd = [name for name, weight in weights.items() if not abs(weight) < float("inf")]
        if odd:
            raise InputError(f"the weight of reward '{odd[0]}' is {weights[odd[0]]}")
        learned = {name: weight for name, weight in weights.items() if weight}
        if not learned:
            raise InputError("all reward weights are 0: there is nothing to learn")
        object.__setattr__(self, "learned", learned)

    def score(
        self, completions: Sequence[str], examples: Sequence[Example], **columns: Sequence[Any]
    ) -> Scores:
        """Return the rewards of completions of examples, one each.

        Args:
            completions: The texts.
            examples: What they respond to; their fields are the columns.
            columns: Further columns that the functions get.

        Raises:
            RewardError: A function raised on more than the tolerated share of them.
        """
        given = reward_columns(examples) | {name: list(part) for name, part in columns.items()}
        reasons: list[list[str]] = [[] for _ in completions]
        raw = {}
        for name, function in self.functions.items():
            values, errors = _called(name, function, completions, given)
            self._check(name, errors, len(completions))
            for row, error in errors.items():
                reasons[row].append(f"{name}: {type(error).__name__}: {str(error)[:200]}")
            raw[name] = torch.tensor(
                [float("nan") if value is None else value for value in values], dtype=torch.float64
            )
        return Scores(raw, self.combined(raw), tuple("; ".join(found) for found in reasons))

    def combined(self, raw: Mapping[str, RowValues]) -> RowValues:
        """Return the weighted sum of the components that are learned."""
        parts = {name: raw[name] for name in self.learned}
        return combined_rewards(parts, weights=self.learned, missing=self.missing).value

    def success(self, raw: Mapping[str, RowValues], total: RowValues) -> RowValues:
        """Return what says whether a response is right: the gold component, else the sum."""
        return raw[self.gold] if self.gold else total

    def _check(self, name: str, errors: Mapping[int, Exception], n_rows: int) -> None:
        if len(errors) > self.tolerated * n_rows:
            row, error = next(iter(errors.items()))
            raise RewardError(
                f"the reward function '{name}' raised on {len(errors)} of {n_rows} responses; "
                f"on response {row}: {type(error).__name__}: {str(error)[:200]}",
                hint="return None for what cannot be scored, or raise the tolerated share",
            ) from error


def _called(
    name: str,
    function: RewardFunction,
    completions: Sequence[str],
    columns: Mapping[str, list[Any]],
) -> tuple[list[float | None], dict[int, Exception]]:
    """Return the values, and the error of each response that has none because of one."""
    try:
        return _values(name, function, completions, columns), {}
    except InputError:
        # a missing column or a wrong number of values is no matter of one response
        raise
    except Exception:
        return _one_by_one(name, function, completions, columns)


def _one_by_one(
    name: str,
    function: RewardFunction,
    completions: Sequence[str],
    columns: Mapping[str, list[Any]],
) -> tuple[list[float | None], dict[int, Exception]]:
    values: list[float | None] = []
    errors: dict[int, Exception] = {}
    for row, completion in enumerate(completions):
        own = {column: [listed[row]] for column, listed in columns.items()}
        try:
            values += _values(name, function, [completion], own)
        except Exception as error:
            values.append(None)
            errors[row] = error
    return values, errors


def _values(
    name: str,
    function: RewardFunction,
    completions: Sequence[str],
    columns: Mapping[str, list[Any]],
) -> list[float | None]:
    values = list(function(completions=list(completions), **columns))
    if len(values) != len(completions):
        raise InputError(
            f"the reward function '{name}' returned {len(values)} values "
            f"for {len(completions)} completions"
        )
    return [finite_or_none(value) for value in values]
