"""Which formalisms can express an order over policies or trajectories: a fit, or a proof.

What is decided is whether some objective ranks the given policies as wanted. That says nothing of
an order over all policies of which they are a sample: every finite sample of some orders that a
formalism cannot express can be expressed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from typing import Any, Literal, TypeAlias

from pellucid.tabular.objectives.certificates import (
    Balance,
    Certificate,
    Linear,
    SameLaw,
    ThreeLevels,
    features_of,
)
from pellucid.tabular.objectives.events import NoEvent, complete_depth, event_for
from pellucid.tabular.objectives.exact import Column, dot
from pellucid.tabular.objectives.exact_laws import beginnings, discounted, equal_laws
from pellucid.tabular.objectives.fitting import (
    Wanted,
    contradiction,
    contradiction_for_all_discounts,
    weights_for,
)
from pellucid.tabular.objectives.formalisms import GROUPS
from pellucid.tabular.objectives.preferences import cycle, levels_of, merged
from pellucid.tabular.objectives.task_files import Task
from pellucid.tabular.objectives.witness_tasks import SAMPLED_DISCOUNTS

Status: TypeAlias = Literal["can express", "cannot express", "not decided", "does not apply"]
MOST_STEPS = 80
"""Steps in which a contradiction for all discounts is looked for; its proof checks all it needs."""
HIGHEST_DEGREE = 2
MOST_BASES = 50
LARGEST_REWARD = 1009
"""A prime; powers are taken by it, so that rewards stay readable."""


@dataclass(frozen=True, eq=False)
class Finding:
    """What was found about one class of formalisms.

    Args:
        group: The class.
        status: Whether it can express the order.
        text: The objective, or the reason, in words.
        objective: The fitted objective as plain values; empty if there is none.
        certificate: Why it cannot; None if it can or nothing was proved.
        verified: Whether fit or certificate was checked in exact arithmetic.
    """

    group: str
    status: Status
    text: str
    objective: Mapping[str, Any] = field(default_factory=dict)
    certificate: Certificate | None = None
    verified: bool = False


def check_task(task: Task) -> list[Finding]:
    """Return a finding for each of the 11 classes, in the order of `GROUPS`.

    Args:
        task: Laws and the order that is wanted of them.
    """
    found: dict[str, Finding] = {}
    found["PO"], found["FPR"] = _by_policy(task, "PO"), _by_policy(task, "FPR")
    by_law = _by_law(task)
    for group in ("TLO", "FTLR", "ONMR"):
        found[group] = by_law(group)
    found["FTR"] = _trajectories(task)
    found["RM"] = _machine(task, found["FTR"])
    found["LAR"] = _refused(task, "LAR", found["FTR"]) or _long_run(task)
    found["LTL"] = _refused(task, "LTL", found["FTR"]) or _logic(task)
    found["MR"] = _refused(task, "MR", found["FTR"]) or _with_discount(task, "MR")
    found["RRL"] = _with_discount(task, "RRL") if _all_policies(task) else _no_policies("RRL")
    return [found[group] for group in GROUPS]


# --- formalisms that only need to tell items apart ---


def _by_policy(task: Task, group: str) -> Finding:
    if not _all_policies(task):
        return _no_policies(group)

    def alike(i: int, j: int) -> bool:
        one, other = task.policies[i], task.policies[j]
        return one is not None and other is not None and bool((one == other).all())

    wanted, _ = merged(len(task.laws), task.preferences.wanted, alike)
    loop = cycle(len(task.laws), wanted)
    if loop:
        names = [task.laws[i].name for i, _ in loop]
        text = f"some of {', '.join(names)} are the same policy under different names"
        return Finding(group, "cannot express", text, verified=True)
    return Finding(
        group,
        "can express",
        "a table with a level for each policy",
        {"levels": _levels(task, wanted)},
        verified=True,
    )


def _by_law(task: Task) -> Callable[[str], Finding]:
    """Return the finding for classes that can rank any two different laws either way."""
    laws = task.laws
    wanted, same = merged(
        len(laws), task.preferences.wanted, lambda i, j: equal_laws(laws[i], laws[j])
    )
    loop = cycle(len(laws), wanted)
    stated = {frozenset(pair) for pair in task.preferences.wanted.ties}
    alike = {frozenset(pair) for pair in same} - stated

    def finding(group: str) -> Finding:
        if not loop:
            return _by_law_fit(task, wanted, group)
        following = [i for i, _ in (*loop[1:], loop[0])]
        steps = tuple(
            (laws[i], tied and frozenset((i, j)) in alike)
            for (i, tied), j in zip(loop, following, strict=True)
        )
        proof = SameLaw(steps)
        return _cannot(group, proof)

    return finding


def _by_law_fit(task: Task, wanted: Wanted, group: str) -> Finding:
    levels = _levels(task, wanted)
    if group != "ONMR":
        text = "a table with a level for each law over trajectories"
        return Finding(group, "can express", text, {"levels": levels}, verified=True)
    for discount in task.discounts:
        columns: list[Column] = [discounted(law, discount, choices=False) for law in task.laws]
        weights = _telling_apart(columns, list(levels.values()))
        if weights is None:
            continue
        table = [
            {"return": float(dot(column, weights)), "level": level}
            for column, level in zip(columns, levels.values(), strict=True)
        ]
        text = f"rewards whose returns differ at discount {discount}, and a table to levels"
        objective = {
            "discount": float(discount),
            "rewards": _rewards(task, weights),
            "function": table,
        }
        return Finding(group, "can express", text, objective, verified=True)
    return _undecided(group, "no reward was found whose returns tell all levels apart")


def _telling_apart(columns: Sequence[Column], levels: Sequence[int]) -> dict[Any, Fraction] | None:
    """Return whole rewards under which items with different levels have different returns.

    Rewards that are powers of a base fail only at roots of a polynomial in it, so that few bases
    need to be tried; None if features are equal at this discount, as those of trajectories can be.
    """
    keys = sorted({key for column in columns for key in column}, key=repr)
    pairs = [p for p in combinations(range(len(columns)), 2) if levels[p[0]] != levels[p[1]]]
    for base in range(2, 2 + MOST_BASES):
        weights: dict[Any, Fraction] = {
            key: Fraction(pow(base, i, LARGEST_REWARD)) for i, key in enumerate(keys)
        }
        returns = [dot(column, weights) for column in columns]
        if all(returns[i] != returns[j] for i, j in pairs):
            return weights
    return None


# --- formalisms whose values are weighted sums of features ---


def _trajectories(task: Task) -> Finding:
    wanted = task.preferences.wanted
    words = beginnings(task.laws)
    columns: list[Column] = [
        {word: vector[i] for word, vector in words} for i in range(len(task.laws))
    ]
    weights = weights_for(columns, wanted)
    if weights is not None:
        parts = [
            {"begins_with": _shown_word(task, word), "value": float(value)}
            for word, value in weights.items()
        ]
        text = "; ".join(f"{p['value']:+.4g} if it begins {p['begins_with']}" for p in parts)
        return Finding("FTR", "can express", f"f: {text}", {"function": parts}, verified=True)
    found = contradiction(columns, wanted)
    if found is None:
        return _undecided("FTR", "neither a fit nor a proof could be made exact")
    return _cannot("FTR", Balance("FTR", task.laws, wanted, found))


def _machine(task: Task, trajectories: Finding) -> Finding:
    refused = _refused(task, "RM", trajectories)
    if refused is not None:
        return refused
    if trajectories.status != "can express":
        return _undecided("RM", trajectories.text)
    text = "a machine that remembers how the trajectory begins and pays as soon as it has: "
    return Finding(
        "RM",
        "can express",
        text + trajectories.text.removeprefix("f: "),
        {"pays": trajectories.objective["function"], "discount": float(task.discounts[0])},
        verified=trajectories.verified,
    )


def _long_run(task: Task) -> Finding:
    wanted = task.preferences.wanted
    columns = features_of("LAR", task.laws, None, 0)
    weights = weights_for(columns, wanted)
    if weights is not None:
        rewards = _rewards(task, weights)
        return Finding(
            "LAR", "can express", _shown_rewards(rewards), {"rewards": rewards}, verified=True
        )
    found = contradiction(columns, wanted)
    if found is None:
        return _undecided("LAR", "neither a fit nor a proof could be made exact")
    return _cannot("LAR", Balance("LAR", task.laws, wanted, found))


def _with_discount(task: Task, group: Literal["MR", "RRL"]) -> Finding:
    wanted, proofs, unknown = task.preferences.wanted, [], []
    for discount in task.discounts:
        columns = features_of(group, task.laws, discount, 0)
        weights = weights_for(columns, wanted)
        if weights is not None:
            return _discounted_fit(task, group, discount, weights)
        found = contradiction(columns, wanted)
        if found is None:
            unknown.append(discount)
        else:
            proofs.append(Balance(group, task.laws, wanted, found, discount))
    always = _for_all_discounts(task, group)
    if always is not None:
        return _cannot(group, always)
    if not proofs:
        return _undecided(group, "neither a fit nor a proof could be made exact")
    tried = ", ".join(str(proof.discount) for proof in proofs)
    return Finding(
        group,
        "not decided",
        f"not at the discounts {tried}; others were not decided. {proofs[0].text()}",
        certificate=proofs[0],
        verified=all(proof.verify() for proof in proofs) and not unknown,
    )


def _for_all_discounts(task: Task, group: Linear) -> Balance | None:
    wanted = task.preferences.wanted
    sampled: list[dict[Any, Fraction]] = [{} for _ in task.laws]
    for discount in SAMPLED_DISCOUNTS[1::2]:
        for column, own in zip(sampled, features_of(group, task.laws, discount, 0), strict=True):
            column.update({(discount, key): value for key, value in own.items()})
    for degree in range(HIGHEST_DEGREE + 1):
        n_steps = min(MOST_STEPS, sum(len(law.edges) for law in task.laws) + degree)
        steps = features_of(group, task.laws, None, n_steps)
        found = contradiction_for_all_discounts(
            sampled, steps, wanted, degree=degree, n_steps=n_steps
        )
        if found is not None:
            proof = Balance(group, task.laws, wanted, found)
            if proof.verify():
                return proof
    return None


def _discounted_fit(
    task: Task, group: str, discount: Fraction, weights: Mapping[Any, Fraction]
) -> Finding:
    rewards = _rewards(task, weights)
    charges = [
        {"distribution": [float(p) for p in key[1]], "charge": -float(value)}
        for key, value in weights.items()
        if isinstance(key, tuple) and key[0] == "choice"
    ]
    text = f"discount {discount}: {_shown_rewards(rewards)}"
    if charges:
        shown = "; ".join(
            f"F({', '.join(f'{p:.4g}' for p in c['distribution'])}) = {c['charge']:.4g}"  # type: ignore[attr-defined]
            for c in charges
        )
        text += f", {shown}"
    objective: dict[str, Any] = {"discount": float(discount), "rewards": rewards}
    if group == "RRL":
        objective["charges"] = charges
    return Finding(group, "can express", text, objective, verified=True)


# --- temporal logic ---


def _logic(task: Task) -> Finding:
    laws, wanted = task.laws, task.preferences.wanted
    certain = [i for i, law in enumerate(laws) if law.certain]
    above = task.preferences.above()
    for low in certain:
        for middle in certain:
            for high in certain:
                if (middle, low) in above and (high, middle) in above:
                    return _cannot("LTL", ThreeLevels((laws[low], laws[middle], laws[high])))
    words = event_for(laws, wanted)
    if words is not None:
        shown = [_shown_word(task, word) for word in words]
        text = f"the trajectory begins {' or '.join(shown)}" if shown else "false"
        return Finding("LTL", "can express", text, {"begins_with": shown}, verified=True)
    depth = complete_depth(laws)
    if depth is not None:
        proof = NoEvent(laws, wanted, depth)
        if proof.verify():
            return _cannot("LTL", proof)
    return _undecided(
        "LTL", "no formula about how trajectories begin was found, and others were not tried"
    )


# --- findings ---


def _cannot(group: str, proof: Certificate) -> Finding:
    verified = proof.verify()
    if not verified:
        return _undecided(group, "a proof was found and did not hold in exact arithmetic")
    return Finding(group, "cannot express", proof.text(), certificate=proof, verified=True)


def _undecided(group: str, reason: str) -> Finding:
    return Finding(group, "not decided", reason)


def _no_policies(group: str) -> Finding:
    return Finding(
        group, "does not apply", "it ranks policies, and the order is over trajectories too"
    )


def _refused(task: Task, group: str, above: Finding) -> Finding | None:
    """Return the same proof for a class below one that cannot express the order."""
    if above.status != "cannot express" or above.certificate is None:
        return None
    return Finding(
        group, "cannot express", above.text, certificate=above.certificate, verified=True
    )


def _all_policies(task: Task) -> bool:
    return all(policy is not None for policy in task.policies)


def _levels(task: Task, wanted: Wanted) -> dict[str, int]:
    return dict(zip(task.preferences.names, levels_of(len(task.laws), wanted), strict=True))


def _rewards(task: Task, weights: Mapping[Any, Fraction]) -> list[dict[str, Any]]:
    found = []
    for key, value in weights.items():
        if isinstance(key, tuple) and key[0] == "transition":
            state, action, arrival = key[1]
            found.append(
                {
                    "state": task.mdp.state_name(state),
                    "action": task.mdp.action_name(action),
                    "next_state": task.mdp.state_name(arrival),
                    "reward": float(value),
                }
            )
    return found


def _shown_rewards(rewards: list[dict[str, Any]]) -> str:
    parts = [
        f"R({r['state']}, {r['action']}, {r['next_state']}) = {r['reward']:.4g}" for r in rewards
    ]
    return "; ".join(parts) if parts else "no reward anywhere"


def _shown_word(task: Task, word: Any) -> str:
    mdp = task.mdp
    steps = [f"{mdp.state_name(s)}, {mdp.action_name(a)}" for s, a, _ in word]
    return " -> ".join([*steps, mdp.state_name(word[-1][2])])
