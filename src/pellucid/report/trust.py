"""The Trust page as data: what was tested, what failed, what was never tested."""

import math
from collections.abc import Iterator

from pellucid.explanation import Badge, Futures
from pellucid.faithfulness import thresholds
from pellucid.report.cards import estimate_document
from pellucid.report.contexts import what_is_held
from pellucid.report.overview import PERCENT, n_tests
from pellucid.report.record import RunRecord
from pellucid.report.said import Document, listing, said
from pellucid.stats import CONFIDENCE

WORST_FIRST: tuple[Badge, ...] = ("failed", "not_measured", "weak", "supported")
MAX_CANNOT_TELL = 6
HIDDEN = "; hidden ones take "
"""What in the name of a test begins to tell what its table has in a column of its own."""
WAYS_BACK = {
    "state-set": "by setting the state of the environment",
    "deepcopy": "with copies of the environment",
    "replay": "by running the episode again from its start, since a copy of the environment cannot "
    "be made or does not do what it did",
}
"""How futures go back to a moment, by way."""
CAPABILITY_WORDS = {
    "distribution": "action probabilities",
    "q_values": "Q-values",
    "value": "a state value",
    "gradients": "gradients",
}


def trust(record: RunRecord, document: Document) -> Document:
    """Return the parts of the Trust page.

    Args:
        record: The run.
        document: The document so far; its explanations are read.
    """
    return {
        "cannot_tell": cannot_tell(record, document),
        **parts_of_trust(document),
        "planted": _planted(record),
        "exclusions": _exclusions(document),
        "choices": _choices(record),
        "replacements": _replacements(document),
        "stability": _stability(record),
        "recheck": "pellucid evaluate .",
    }


def parts_of_trust(
    document: Document,
    *,
    units: str = "episodes, replays or states",
    rerun: str = "the environment was not run again",
) -> Document:
    """Return what every report says of its tests: claims, what is missing, checks, rule, luck.

    Args:
        document: A document whose `explanations` are there.
        units: What tests compare on, in words.
        rerun: What a test could have done and did not, in words.
    """
    return {
        "rows": _rows(document),
        "not_measured": _not_measured(document),
        "sanity": _sanity(document),
        "rule": _rule(units, rerun),
        "luck": luck(document),
    }


def cannot_tell(record: RunRecord, document: Document) -> list[Document]:
    """Return three to six sentences on what this report cannot tell."""
    episodes = record.episodes
    told = [
        said(
            "It rests on {n} episodes; states and starts that they did not visit were not tested.",
            n=len(episodes),
        )
    ]
    if document["episodes"]["excluded"]:
        told.append(
            said(
                "Excluded episodes: {k} of {m}; no number includes them.",
                k=document["episodes"]["excluded"],
                m=document["episodes"]["attempted"],
            )
        )
    if episodes.spec is None:
        told.append(said("Nothing was run again, since the episodes come from logs."))
    modes = {"greedy": "most-likely", "sampled": "sampled"}
    mine = modes.pop(episodes.policy)
    told.append(
        said(
            "Only {mine} actions were tested; {other} ones may do otherwise.",
            mine=mine,
            other=next(iter(modes.values())),
        )
    )
    lacking = [
        words for name, words in CAPABILITY_WORDS.items() if name not in record.agent.capabilities
    ]
    if lacking:
        told.append(
            said(
                "Questions that need {what} were not asked: the agent offers none.",
                what=listing(lacking),
            )
        )
    if record.agent.recorded is None:
        told.append(said("Whether it does here what it did for its maker: no record came with it."))
    if episodes.names.source == "none":
        told.append(said("What its inputs mean: the environment gave them no names."))
    told.append(said("Whether the agent is safe, or what it would do in another environment."))
    return told[: MAX_CANNOT_TELL - 1] + told[-1:] if len(told) > MAX_CANNOT_TELL else told


def luck(document: Document) -> Document:
    """Return the sentence on how many tests would look supported by luck alone."""
    tests = n_tests(document["explanations"])
    if not tests:
        return said("No test was made that luck could pass.")
    expected = math.ceil((1 - CONFIDENCE) / 2 * tests - 1e-9)
    made = "{k} test was made" if tests == 1 else "{k} tests were made"
    return said(
        f"{made}; about {{luck}} would look supported by luck alone. A meaningless "
        "explanation is called weak about half the time: weak does not mean half true.",
        k=tests,
        luck=expected,
    )


# --- parts ---


def _scores(document: Document) -> Iterator[tuple[int, int, Document]]:
    for i, explanation in enumerate(document["explanations"]):
        for k, score in enumerate(explanation["faithfulness"]):
            yield i, k, score


def _rows(document: Document) -> list[Document]:
    """Positions of explanation and decisive score, worst badge first."""
    rows = []
    for i, explanation in enumerate(document["explanations"]):
        names = [score["metric"] for score in explanation["faithfulness"]]
        decisive = explanation["decisive"]
        rows.append(
            {"explanation": i, "score": names.index(decisive) if decisive in names else None}
        )
    return sorted(
        rows, key=lambda r: WORST_FIRST.index(document["explanations"][r["explanation"]]["badge"])
    )


def _not_measured(document: Document) -> list[Document]:
    rows: list[Document] = [
        {
            "explanation": i,
            "question": e["question"],
            "reason": e["reason"] or "no reason was recorded",
            "need": e["need"],
            "cost": e["budget"]["allowed"] if any(e["budget"]["allowed"].values()) else None,
        }
        for i, e in enumerate(document["explanations"])
        if e["badge"] == "not_measured"
    ]
    rows += [
        {
            "explanation": i,
            "question": score["label"],
            "reason": score["reason"] or "no reason was recorded",
            "need": score["need"],
            "cost": None,
        }
        for i, _, score in _scores(document)
        if score["badge"] == "not_measured"
        and document["explanations"][i]["badge"] != "not_measured"
    ]
    return rows


def _sanity(document: Document) -> list[Document]:
    return [
        {"explanation": i, "score": k}
        for i, k, score in _scores(document)
        if score["role"] == "sanity"
    ]


def _planted(record: RunRecord) -> list[Document]:
    """Return how each method did on agents whose truth is known, those that failed first."""
    rows: list[Document] = []
    for i, explanation in enumerate(record.explanations):
        words = record.planted.get(explanation.method)
        if words is not None and all(row["method"] != explanation.method for row in rows):
            rows.append({"explanation": i, "method": explanation.method, "words": words})
    return sorted(rows, key=lambda row: not str(row["words"]).startswith("fails"))


def _replacements(document: Document) -> list[Document]:
    """Positions of the scores that hid inputs: all of them, whatever took the inputs' place."""
    return [
        {"explanation": i, "score": k, "test": score["label"].partition(HIDDEN)[0]}
        for i, k, score in _scores(document)
        if score["replacement"]
    ]


def _exclusions(document: Document) -> Document:
    counts = document["episodes"]
    return said(
        "{m} episodes were attempted, {n} used, {k} excluded.",
        m=counts["attempted"],
        n=counts["used"],
        k=counts["excluded"],
    )


def _choices(record: RunRecord) -> list[Document]:
    episodes = record.episodes
    policy = (
        "the most likely action" if episodes.policy == "greedy" else "an action drawn at random"
    )
    told = [
        said("In each state the agent took {what}.", what=policy),
        said("Episode starts come from seed {seed}.", seed=episodes.seed)
        if episodes.seed >= 0
        else said("The seeds of the episodes are not known."),
    ]
    spec = episodes.spec
    if spec is not None:
        told.append(said("Episodes are cut off after {n} steps.", n=spec.max_steps))
    noise = sorted({e.content.noise for e in record.explanations if isinstance(e.content, Futures)})
    if "fresh_noise" in noise:
        told.append(
            said("Futures are drawn with fresh chance, the same for both actions of a pair.")
        )
    if "same_noise" in noise:
        told.append(said("Futures repeat the chance events of the recorded episode."))
    if record.way in WAYS_BACK:
        told.append(said("Moments were returned to {how}.", how=WAYS_BACK[record.way]))
    if any(score.replacement for e in record.explanations for score in e.faithfulness):
        told.append(
            said(
                "Values for hidden inputs come from the {n} states that were visited.",
                n=len(episodes.visited),
            )
        )
    told += what_is_held(record)
    if not record.n_other_seeds:
        told.append(
            said(
                "How stable the answers are under other seeds was not measured; {option} asks.",
                option="--other-seeds",
            )
        )
    return told


def _stability(record: RunRecord) -> list[Document]:
    """Return how alike each explanation is to those under other seeds, the least alike first."""
    positions = {e.method: i for i, e in enumerate(record.explanations)}
    rows = [
        {
            "explanation": positions[row.method],
            "words": row.words,
            **estimate_document(row.interval),
            "reason": row.reason,
        }
        for row in record.stability
        if row.method in positions
    ]
    return sorted(rows, key=lambda row: (math.isnan(row["value"]), row["value"]))


def _rule(units: str, rerun: str) -> Document:
    return {
        "intro": said(
            "Gap: how much better an explanation scores than a meaningless one on the same "
            "{units}, with a {c} % interval. The first line that applies gives the badge.",
            c=PERCENT,
            units=units,
        ),
        "not_measured": said(
            "no score: something is missing, or there are fewer than {least} units.",
            least=thresholds.UNITS_FOR_WEAK,
        ),
        "failed": said(
            "the gap is {zero} or below, or a sanity check failed, or the method's own "
            "arithmetic does not add up.",
            zero=0,
        ),
        "weak": said(
            "the gap is above {zero} but its interval reaches it, or there are fewer than {full} "
            "units, or the run stopped early, or {rerun} though it could have been.",
            zero=0,
            rerun=rerun,
            full=thresholds.UNITS_FOR_SUPPORTED,
        ),
        "supported": said(
            "the whole interval of the gap is above {zero}, with {full} units or more and every "
            "sanity check passed.",
            zero=0,
            full=thresholds.UNITS_FOR_SUPPORTED,
        ),
    }
