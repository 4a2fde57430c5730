"""Which reward term moved the updates: shares of the advantage, tested on prompts left aside."""

import math
from typing import NamedTuple

import numpy as np

from pellucid.explanation import Explanation, Interval, fact
from pellucid.explanation.content import Contributions
from pellucid.explanation.contract import MetricInfo
from pellucid.explanation.wording import Sentences
from pellucid.faithfulness.results import missing_score, paired_score
from pellucid.report.language.findings import Method, explanation
from pellucid.report.language.record import LanguageRecord
from pellucid.report.language.shares import Shares, advantage_shares
from pellucid.seeds import stream
from pellucid.stats import mean_interval

TERMS = Method(
    "reward-terms",
    "B",
    "Which reward term moved it most?",
    Sentences(
        supported="**{term}** moved it most: {v} % of the advantage, {d} more than the next term, "
        "{other} ({lo} to {hi}); the parts add up within {e}.",
        weak="**{term}** may have moved it most: {v} % of the advantage, but the lead over {other} "
        "could be zero ({lo} to {hi}); the parts add up within {e}.",
        thin="**{term}** may have moved it most: {v} % of the advantage; weak, since {reason}.",
        failed="We could not show which term moved it most: {reason}.",
        not_measured="Which reward term moved it was not tested: {reason}. To test it: {need}.",
        does_not_say="that the terms are what the designer meant",
    ),
    MetricInfo(
        "advantage_share",
        Contributions,
        "share of the advantage on prompts that were not used to choose the term",
        "higher",
        "group",
        "test",
        False,
        "covariance decomposition within the group",
    ),
)


class TermShares(NamedTuple):
    """Shares of the advantage by term, over all groups with signal.

    Args:
        shares: Group by group.
        means: One per term, in percent.
    """

    shares: Shares
    means: tuple[Interval, ...]


def term_shares(record: LanguageRecord) -> TermShares:
    """Return the share of each term, over all kept groups."""
    run = record.run
    shares = advantage_shares(
        [g.samples for g in record.groups], run.reward_names, run.head.reward_weights
    )
    columns = 100.0 * shares.values.T
    return TermShares(shares, tuple(mean_interval(column) for column in columns))


def reward_terms(record: LanguageRecord, found: TermShares) -> Explanation:
    """Return which term moved the updates most.

    The term is chosen on half of the groups, drawn by seed, and tested on the others: the largest
    of several noisy shares is too large on the groups that it was chosen on.

    Args:
        record: The run.
        found: What `term_shares` returned.
    """
    shares = found.shares
    broken = _broken(shares)
    missing = _missing(record, shares)
    if missing is not None:
        return explanation(TERMS, (missing_score(TERMS.test, *missing),), seed=record.seed)
    order = stream(record.seed, "report", "reward terms").permutation(len(shares.values))
    chosen_on, tested_on = np.array_split(100.0 * shares.values[order], 2)
    ranking = np.argsort(-chosen_on.mean(axis=0), kind="stable")
    first, second = int(ranking[0]), int(ranking[1])
    score = paired_score(
        TERMS.test,
        tested_on[:, first],
        tested_on[:, second],
        f"the next term, {shares.names[second]}",
        value_unit="% of the advantage",
    )
    facts = {
        "term": fact(shares.names[first]),
        "other": fact(shares.names[second]),
        "e": fact(shares.worst if not math.isnan(shares.worst) else 0.0),
    }
    return explanation(TERMS, (score,), seed=record.seed, facts=facts, broken=broken)


def _missing(record: LanguageRecord, shares: Shares) -> tuple[str, str] | None:
    if not record.groups:
        absent = record.run.absent.get("samples", "no completions were recorded")
        return absent, "keep completions with their rewards"
    if not shares.names:
        return "no reward terms were recorded", "record each reward function by name"
    if len(shares.names) == 1:
        return (
            f"there is one reward term alone, {shares.names[0]}",
            "several reward terms; one alone carries all of the advantage",
        )
    if len(shares.values) == 0:
        return "in no group did the answers earn differently", "groups with signal"
    return None


def _broken(shares: Shares) -> str:
    if not shares.n_off:
        return ""
    return "the parts of the reward do not add up to its total in some answers"
