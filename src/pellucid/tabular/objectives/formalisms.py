"""The 17 formalisms, which of them express the same orders, and which express more.

A formalism can express another if every order over the policies of every finite problem that the
other can give is one that it can give too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from pellucid.registry import unknown_name


@dataclass(frozen=True)
class Formalism:
    """One way to say what is wanted of a policy.

    Args:
        short: Abbreviation of the source.
        name: What it is called.
        objective: What a policy is ranked by; larger is better.
        group: The class of formalisms that express the same orders, named by one of them.
        class_name: The class in `pellucid.tabular.objectives`.
    """

    short: str
    name: str
    objective: str
    group: str
    class_name: str


FORMALISMS: tuple[Formalism, ...] = (
    Formalism("MR", "Markov rewards", "J = E sum γ^t R(s,a,s')", "MR", "MarkovReward"),
    Formalism("LAR", "limit average reward", "long-run mean of R", "LAR", "LimitAverage"),
    Formalism("LTL", "linear temporal logic", "P(trajectory satisfies φ)", "LTL", "TemporalLogic"),
    Formalism("RM", "reward machines", "E sum γ^t R(u,s,a,s')", "RM", "RewardMachine"),
    Formalism("INMR", "inner nonlinear Markov rewards", "E f(G)", "FTR", "InnerNonlinear"),
    Formalism(
        "IMORL", "inner multi-objective RL", "E f(G_1, ..., G_k)", "FTR", "InnerMultiObjective"
    ),
    Formalism("FTR", "functions of trajectories", "E f(trajectory)", "FTR", "TrajectoryFunction"),
    Formalism("RRL", "regularised RL", "E sum γ^t (R - α F(π(.|s)))", "RRL", "RegularisedReward"),
    Formalism("ONMR", "outer nonlinear Markov rewards", "f(J)", "ONMR", "OuterNonlinear"),
    Formalism(
        "OMORL", "outer multi-objective RL", "f(J_1, ..., J_k)", "FTLR", "OuterMultiObjective"
    ),
    Formalism("FOMR", "functions of occupancy", "f(visits)", "FTLR", "OccupancyFunction"),
    Formalism("FTLR", "functions of trajectory lotteries", "f(law)", "FTLR", "LotteryFunction"),
    Formalism("FPR", "functions of policies", "f(π)", "FPR", "PolicyFunction"),
    Formalism(
        "GOMORL",
        "generalised outer multi-objective RL",
        "an order on (J_1, ..., J_k)",
        "TLO",
        "MultiObjectiveOrdering",
    ),
    Formalism("OMO", "occupancy orderings", "an order on visits", "TLO", "OccupancyOrdering"),
    Formalism("TLO", "trajectory lottery orderings", "an order on laws", "TLO", "LotteryOrdering"),
    Formalism("PO", "policy orderings", "an order on π", "PO", "PolicyOrdering"),
)
"""In the order of the source."""

GROUPS: tuple[str, ...] = (
    "PO", "FPR", "TLO", "FTLR", "FTR", "RM", "LAR", "LTL", "ONMR", "RRL", "MR",
)  # fmt: skip
"""The 11 classes of formalisms that express the same orders; no one stands above an earlier one."""

COVERS: tuple[tuple[str, str], ...] = (
    ("PO", "FPR"),
    ("PO", "TLO"),
    ("FPR", "FTLR"),
    ("TLO", "FTLR"),
    ("FTLR", "FTR"),
    ("FTLR", "ONMR"),
    ("FTLR", "RRL"),
    ("FTR", "RM"),
    ("FTR", "LTL"),
    ("FTR", "LAR"),
    ("RM", "MR"),
    ("ONMR", "MR"),
    ("RRL", "MR"),
)
"""Upper and lower class of every edge of the diagram; `translations` has a translator for each."""


def members(group: str) -> list[Formalism]:
    """Return the formalisms of a class."""
    return [one for one in FORMALISMS if one.group == group]


def group_of(short: str) -> str:
    """Return the class of a formalism.

    Raises:
        UnknownNameError: There is none of this name.
    """
    for one in FORMALISMS:
        if one.short == short:
            return one.group
    raise unknown_name("formalism", short, [one.short for one in FORMALISMS])


@cache
def downward(upper: str, lower: str) -> tuple[str, ...] | None:
    """Return the classes on a way down the diagram from one to another; None if there is none."""
    if upper == lower:
        return (lower,)
    for start, below in COVERS:
        if start == upper and (rest := downward(below, lower)) is not None:
            return (upper, *rest)
    return None


def can_express(upper: str, lower: str) -> bool:
    """Return whether the diagram says that one class can express another."""
    return downward(upper, lower) is not None


def names(group: str) -> str:
    """Return the formalisms of a class, such as `INMR, IMORL, FTR`."""
    return ", ".join(one.short for one in members(group))


def below_or_equal(groups: Sequence[str]) -> set[str]:
    """Return the classes that one of these can express."""
    return {low for low in GROUPS for group in groups if can_express(group, low)}


def above_or_equal(groups: Sequence[str]) -> set[str]:
    """Return the classes that can express one of these."""
    return {high for high in GROUPS for group in groups if can_express(high, group)}
