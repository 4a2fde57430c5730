"""A training run in which everything that has a text tries to break out of the page."""

from dataclasses import replace

from pellucid.posttrain.recording import RunRecord
from pellucid.report.language.record import LanguageRecord
from tests.report.hostile import HOSTILE
from tests.report.language import runs

TEXT = f"line one\n\t{HOSTILE}\x00\nlast"


def hostile_run() -> RunRecord:
    """Every text of the run is hostile; its numbers are those of a usual run."""
    run = runs.run()
    names = {"answer": f"{HOSTILE}a", "format": f"{HOSTILE}b", "length": f"{HOSTILE}c"}
    samples = tuple(
        replace(
            s,
            prompt_id=f"{HOSTILE}{s.prompt_id}",
            prompt=TEXT,
            completion=TEXT,
            scored_prompt=None if s.scored_prompt is None else f"{TEXT} other",
            rewards={names[n]: v for n, v in s.rewards.items()},
            gold=HOSTILE,
            parsed=HOSTILE,
            unscored_reason=HOSTILE if s.index % 11 == 0 else None,
        )
        for s in run.samples
    )
    tokens = tuple(replace(t, tokens=(HOSTILE,) * len(t.tokens)) for t in run.tokens)
    evaluations = tuple(
        replace(e, prompt=TEXT, gold=HOSTILE, completions=(TEXT,)) for e in run.evaluations
    )
    head = replace(
        run.head,
        run_id=HOSTILE,
        time=HOSTILE,
        command=HOSTILE,
        engine=HOSTILE,
        method=HOSTILE,
        purpose=HOSTILE,
        reward_weights={names[n]: w for n, w in run.head.reward_weights.items()},
        config={HOSTILE: {HOSTILE: HOSTILE}},
        versions={HOSTILE: HOSTILE},
        hashes={HOSTILE: HOSTILE},
        facts={HOSTILE: HOSTILE},
        kept={},
        absent={"tokens": HOSTILE},
    )
    updates = tuple(
        replace(u, rewards={names[n]: v for n, v in u.rewards.items()}) for u in run.updates
    )
    return replace(
        run,
        head=head,
        state="stopped",
        diagnosis=HOSTILE,
        samples=samples,
        tokens=tokens,
        evaluations=evaluations,
        updates=updates,
        warnings=(HOSTILE,),
    )


def hostile_record() -> LanguageRecord:
    return LanguageRecord(
        hostile_run(), source=HOSTILE, source_kind=HOSTILE, command=HOSTILE, warnings=(HOSTILE,)
    )
