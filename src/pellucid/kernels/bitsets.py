"""Sets of policies as bits of machine words: 64 policies answer a question at once."""

import numpy as np
from jaxtyping import Float, Int, UInt

from pellucid.kernels.compiled import compiled

WORD = 64
"""Policies per machine word."""
_UNPACKED = (np.arange(256)[:, None] >> np.arange(8) & 1).astype(np.float64)
"""The bits of a byte as numbers, so that eight sums are one vector operation."""


def packed_choices(
    actions: UInt[np.ndarray, "policies pairs"], n_actions: int
) -> UInt[np.ndarray, "words choices"]:
    """Return, for each place and action, the set of policies that take this action there.

    Args:
        actions: Shape (policies, places), the action of a policy at each place; 8 bits each.
        n_actions: Actions of a place.

    Returns:
        Shape (words, places * actions): bit `p % 64` of row `p // 64`, column
        `place * n_actions + action` says whether policy p takes the action.
    """
    n_policies, n_places = actions.shape
    sets = np.zeros((-(-n_policies // WORD), n_places * n_actions), dtype=np.uint64)
    _pack(actions, n_actions, sets)
    return sets


@compiled
def _pack(
    actions: UInt[np.ndarray, "policies pairs"],
    n_actions: int,
    sets: UInt[np.ndarray, "words choices"],
) -> None:
    for policy in range(actions.shape[0]):
        bit = np.uint64(1) << np.uint64(policy % 64)
        for place in range(actions.shape[1]):
            sets[policy // 64, place * n_actions + actions[policy, place]] |= bit


@compiled
def _followed(
    row: UInt[np.ndarray, " choices"],
    path: UInt[np.ndarray, " steps"],
    first: int,
    followers: UInt[np.ndarray, " steps_plus_one"],
) -> int:
    """Write who is left after each step of a path from a step on; return the first with nobody.

    That is one more than the number of steps if some policy takes the whole path.
    """
    left = followers[first]
    for step in range(first, len(path)):
        left &= row[path[step]]
        followers[step + 1] = left
        if left == 0:
            return step + 1
    return len(path) + 1


@compiled
def consistent_counts(
    sets: UInt[np.ndarray, "words choices"],
    choices: UInt[np.ndarray, "paths steps"],
    shared: Int[np.ndarray, " paths"],
    kinds: Int[np.ndarray, " paths"],
    out: Int[np.ndarray, "kinds slots"],
) -> None:
    """Count, for every policy and kind of path, the paths on which it takes every action.

    Counts are kept as binary digits, one machine word per digit, so that one path is added to the
    counts of 64 policies in a few operations.

    Args:
        sets: From `packed_choices`.
        choices: Shape (paths, steps), the column of `sets` of each step; sorted, so that paths with
            a common beginning are neighbours.
        shared: Shape (paths,), how many first steps a path shares with the one before it.
        kinds: Shape (paths,), from 0 on.
        out: Shape (kinds, 64 * words), added to.
    """
    n_paths, n_steps = choices.shape
    n_digits = 1
    while 2**n_digits <= n_paths:
        n_digits += 1
    followers = np.empty(n_steps + 1, dtype=np.uint64)
    followers[0] = ~np.uint64(0)
    digits = np.empty((out.shape[0], n_digits), dtype=np.uint64)
    for word in range(sets.shape[0]):
        digits[:] = 0
        # first number of steps that no policy of this word takes together
        none_from = n_steps + 1
        for path in range(n_paths):
            if shared[path] >= none_from:
                continue
            none_from = _followed(sets[word], choices[path], shared[path], followers)
            if none_from <= n_steps:
                continue
            carry = followers[n_steps]
            digit = 0
            while carry != 0:
                before = digits[kinds[path], digit]
                digits[kinds[path], digit] = before ^ carry
                carry &= before
                digit += 1
        for kind in range(out.shape[0]):
            for digit in range(n_digits):
                if digits[kind, digit] == 0:
                    continue
                for bit in range(64):
                    one = (digits[kind, digit] >> np.uint64(bit)) & np.uint64(1)
                    out[kind, word * 64 + bit] += np.int64(one) << digit


@compiled
def consistent_sums(
    sets: UInt[np.ndarray, "words choices"],
    choices: UInt[np.ndarray, "paths steps"],
    shared: Int[np.ndarray, " paths"],
    amounts: Float[np.ndarray, "paths kinds"],
    out: Float[np.ndarray, "kinds slots"],
) -> None:
    """Add, for every policy, the amounts of all paths on which it takes every action.

    For amounts that are all different; `consistent_counts` is faster where few of them are.

    Args:
        sets: From `packed_choices`.
        choices: Shape (paths, steps), as for `consistent_counts`.
        shared: Shape (paths,), likewise.
        amounts: Shape (paths, kinds), what a path adds.
        out: Shape (kinds, 64 * words), added to.
    """
    n_paths, n_steps = choices.shape
    followers = np.empty(n_steps + 1, dtype=np.uint64)
    followers[0] = ~np.uint64(0)
    for word in range(sets.shape[0]):
        none_from = n_steps + 1
        for path in range(n_paths):
            if shared[path] >= none_from:
                continue
            none_from = _followed(sets[word], choices[path], shared[path], followers)
            if none_from <= n_steps:
                continue
            members = followers[n_steps]
            for part in range(8):
                eight = (members >> np.uint64(8 * part)) & np.uint64(255)
                if eight == 0:
                    continue
                first = word * 64 + part * 8
                for kind in range(out.shape[0]):
                    amount = amounts[path, kind]
                    for bit in range(8):
                        out[kind, first + bit] += amount * _UNPACKED[eight, bit]
