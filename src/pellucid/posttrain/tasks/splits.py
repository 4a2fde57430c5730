"""Splits examples by their groups, and checks that a split leaks nothing."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.errors import InputError
from pellucid.posttrain.completions import MAX_ANSWER_CHARS
from pellucid.posttrain.tasks.datasets import digest
from pellucid.posttrain.tasks.example import Example


@dataclass(frozen=True)
class Split:
    """Examples to train on and examples to test on, without a common group.

    Args:
        train: To train on, in their order.
        test: Held out, in their order.
        digest: SHA-256 of both parts.
    """

    train: tuple[Example, ...]
    test: tuple[Example, ...]
    digest: str


def split_by_group(examples: Sequence[Example], *, test_share: float, seed: int) -> Split:
    """Return a split in which the groups are parted by a hash of their names.

    Args:
        examples: At least two groups.
        test_share: Share of the groups that is held out, above 0 and below 1; at least one group
            is, and at least one is not.
        seed: Of the hash; the order of the examples has no influence.

    Raises:
        InputError: A share outside its range, or fewer than two groups.
    """
    if not 0 < test_share < 1:
        raise InputError(f"test_share must be above 0 and below 1, got {test_share}")
    groups = sorted({example.group_id for example in examples}, key=lambda g: _rank(seed, g))
    if len(groups) < 2:
        raise InputError(f"a split needs at least two groups, got {len(groups)}")
    n_test = min(max(round(test_share * len(groups)), 1), len(groups) - 1)
    held_out = set(groups[:n_test])
    train = tuple(example for example in examples if example.group_id not in held_out)
    test = tuple(example for example in examples if example.group_id in held_out)
    return Split(train, test, split_digest(train, test))


def split_digest(train: Sequence[Example], test: Sequence[Example]) -> str:
    """Return the SHA-256 of both parts of a split."""
    return hashlib.sha256(f"{digest(train)} {digest(test)}".encode()).hexdigest()


def check_split(
    train: Sequence[Example], test: Sequence[Example], *, answers_hidden: bool = False
) -> None:
    """Refuse a split that leaks: F60 of every recipe.

    Args:
        train: To train on.
        test: Held out.
        answers_hidden: The task promises that no prompt and no hint says the answer.

    Raises:
        InputError: A group or a prompt is in both parts, or a prompt or hint says its answer; the
            message has the first such one and how many there are.
    """
    groups = {example.group_id for example in train}
    _refuse([e for e in test if e.group_id in groups], "has a group that is trained on")
    prompts = {_plain(example.prompt) for example in train}
    _refuse([e for e in test if _plain(e.prompt) in prompts], "has a prompt that is trained on")
    if answers_hidden:
        everything = [*train, *test]
        _refuse(
            [e for e in everything if says(e.prompt, e.answer)], "says the answer in its prompt"
        )
        hinted = [e for e in everything if e.hint is not None and says(e.hint, e.answer)]
        _refuse(hinted, "says the answer in its hint")


def says(text: str, answer: str) -> bool:
    """Whether an answer stands in a text, not as a part of a longer word or number.

    Example:
        >>> says("37+48=", "7"), says("is it 7?", "7")
        (False, True)
    """
    plain, wanted = _plain(text), _plain(answer[:MAX_ANSWER_CHARS])
    if not wanted:
        return False
    at = plain.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        before, after = plain[at - 1 : at], plain[end : end + 1]
        if not before.isalnum() and not after.isalnum():
            return True
        at = plain.find(wanted, end)
    return False


def _rank(seed: int, group: str) -> bytes:
    return hashlib.sha256(f"{seed}:".encode() + group.encode("utf-8", "surrogatepass")).digest()


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _refuse(found: list[Example], what: str) -> None:
    if found:
        raise InputError(
            f"{len(found)} examples leak: the one of group {found[0].group_id!r} {what}",
            hint="split with split_by_group, and give items of one origin one group_id",
        )
