"""A run in which everything that has a name tries to break out of the page or the terminal."""

from dataclasses import replace
from typing import Any

from pellucid.envs.names import Names
from pellucid.explanation import Control, fact
from pellucid.report.record import RunRecord
from pellucid.rollouts.episodes import Failure
from tests.report import lunar

MARKUP = '<script>alert(1)</script><img src=x onerror=alert(2)><a href="javascript:alert(3)">x</a>'
CLOSING = "</script></style></title></textarea></noscript><script>alert(4)</script><!--"
TEMPLATE = "{{7*7}}{% raw %}{0.__class__}${7*7}<%= 7*7 %>"
QUOTES = "\"'`\" onmouseover=alert(5) x='"
TERMINAL = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x1b[31mred\x9b1m\x1b]0;title\x1b\\\x08\r"
BIDI = "\u202eevil\u2066\u200f\u2028line\u2029para\ufeff\U000e0041"
URL = "https://example.invalid/x.png"
HOSTILE = " ".join((MARKUP, CLOSING, TEMPLATE, QUOTES, TERMINAL, BIDI, URL))


def hostile_record(**more: Any) -> RunRecord:
    """Every text of the run is hostile; its numbers are those of the lunar run."""
    names = Names(
        tuple(f"{HOSTILE}{i}" for i in range(8)), (HOSTILE,) * 8, (HOSTILE,) * 4, ("",) * 4,
        HOSTILE, "file",
    )  # fmt: skip
    collected = lunar.episodes(n_failed=1)
    attempted = tuple(
        e if e.failure is None else replace(e, failure=Failure("environment", HOSTILE, 41))
        for e in collected.attempted
    )
    spec = replace(lunar.SPEC, id=HOSTILE, wrappers=(HOSTILE,), kwargs={HOSTILE: HOSTILE})
    made = lunar.lunar_record(
        collected=replace(collected, attempted=attempted, names=names, spec=spec)
    )
    return replace(
        made,
        run_id=HOSTILE,
        time=HOSTILE,
        agent=replace(
            lunar.AGENT, name=HOSTILE, framework=HOSTILE, sha256=HOSTILE, purpose=HOSTILE,
            observation_space=HOSTILE, action_space=HOSTILE, recorded_source=HOSTILE,
            capabilities=(HOSTILE,),
        ),
        explanations=tuple(_hostile(e) for e in made.explanations),
        command=HOSTILE,
        banner=HOSTILE,
        state="partial",
        costs={HOSTILE: made.used},
        left_out=(HOSTILE,),
        warnings=(HOSTILE,),
        versions={HOSTILE: HOSTILE},
        hashes={HOSTILE: HOSTILE},
        **more,
    )  # fmt: skip


def _hostile(explanation: Any) -> Any:
    scores = tuple(
        replace(
            s,
            label=HOSTILE,
            reason=HOSTILE,
            value_unit=HOSTILE,
            control=s.control and Control(HOSTILE, s.control.interval),
        )
        for s in explanation.faithfulness
    )
    names = {k: fact(HOSTILE) for k, f in explanation.facts.items() if isinstance(f.value, str)}
    content = explanation.content
    if hasattr(content, "arms"):
        content = replace(content, arms=(HOSTILE, HOSTILE), term_names=(HOSTILE,) * 3)
    if hasattr(content, "input_names"):
        content = replace(content, input_names=(HOSTILE,) * 8)
    return replace(
        explanation,
        question=HOSTILE,
        does_not_say=HOSTILE,
        reason=HOSTILE,
        need=HOSTILE,
        method=HOSTILE,
        leaf=HOSTILE,
        target=HOSTILE,
        text=HOSTILE,
        facts=dict(explanation.facts) | names,
        faithfulness=scores,
        content=content,
        warnings=(HOSTILE,),
    )
