"""The states in which a training run can reach the report."""

import math
from dataclasses import replace
from typing import Any

from pellucid.posttrain.recording import RunHead, RunRecord
from tests.report.language import reasoning, runs

RUN = runs.run()
ABSENT = {
    "updates": "the file has no training log",
    "tokens": "the file has no numbers per token",
    "evaluations": "the file has no held-out evaluations",
}
FLAT = tuple(
    replace(s, rewards={"answer": 1.0}, total=1.0, advantage=0.0, correct=True) for s in RUN.samples
)
UNSCORED = tuple(
    replace(
        s,
        rewards=dict.fromkeys(s.rewards, math.nan),
        total=math.nan,
        advantage=math.nan,
        parsed=None,
        correct=None,
        unscored_reason="the grader raised ValueError: no number",
    )
    if s.index % 2
    else s
    for s in RUN.samples
)
OFF = tuple(replace(s, total=s.total + 1.0) for s in RUN.samples)
BROKEN_PUSHES = tuple(replace(t, pushes=tuple(p + 0.5 for p in t.pushes or ())) for t in RUN.tokens)
ONE_TERM = tuple(
    replace(s, rewards={"answer": s.rewards["answer"]}, total=s.rewards["answer"])
    for s in RUN.samples
)

STATES: dict[str, dict[str, Any]] = {
    "everything": {},
    "rewards alone": {"hacking": True},
    "interrupted": {"state": "interrupted", "updates": RUN.updates[:30]},
    "running": {
        "state": "running",
        "updates": RUN.updates[:30],
        "evaluations": RUN.evaluations[:30],
    },
    "stopped": {"state": "stopped", "diagnosis": "the loss was NaN for 5 updates"},
    "all equal": {"samples": FLAT},
    "unscored": {"samples": UNSCORED},
    "off": {"samples": OFF},
    "wrong pushes": {"tokens": BROKEN_PUSHES},
    "one term": {
        "samples": ONE_TERM,
        "updates": (),
        "head": replace(RUN.head, reward_weights={"answer": 1.0}),
    },
    "no gold": {
        "samples": tuple(replace(s, gold=None, correct=None) for s in RUN.samples),
        "updates": tuple(replace(u, gold_success=math.nan) for u in RUN.updates),
    },
    "rows alone": {
        "head": RunHead(run_id="rows.jsonl", absent=ABSENT),
        "updates": (),
        "tokens": (),
        "evaluations": (),
        "source_kind": "JSONL file",
    },
    "no samples": {
        "samples": (),
        "tokens": (),
        "head": replace(RUN.head, absent={"samples": "the run kept no completions"}),
    },
    "empty": {
        "head": RunHead(run_id="empty", absent={"samples": "nothing was written"}),
        "updates": (),
        "samples": (),
        "tokens": (),
        "evaluations": (),
    },
    "hashed": {"hashed": True},
    "reasoning": {
        "explanations": (reasoning.explanation(),),
        "instrument": reasoning.instrument(0.7),
    },
    "closed": {
        "explanations": (reasoning.explanation(dependent=False),),
        "instrument": reasoning.instrument(0.4),
    },
    "compared": {"other": runs.run(hacking=True), "other_source": "runs/other"},
}


def run_of(state: str) -> RunRecord:
    return runs.record(**STATES[state]).run
