"""An explanation as a few lines of text, and as a fragment of HTML for notebooks.

The fragment has no script, no frame and no page of its own; its style rules begin with one class.
It is an answer, not the report.
"""

import re
import textwrap
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

from pellucid.explanation.outside import clip, terminal_safe, visible
from pellucid.explanation.plots.charts import content_chart, score_chart
from pellucid.explanation.plots.rows import DotRow
from pellucid.explanation.plots.svg import badge_svg, chart_css, chart_svg
from pellucid.explanation.score import Badge, Score

if TYPE_CHECKING:
    from pellucid.explanation.explanation import Explanation

BADGE_WORDS: Mapping[Badge, str] = {
    "supported": "supported",
    "weak": "weak",
    "failed": "failed",
    "not_measured": "not measured",
}
BADGE_MARKS: Mapping[Badge, str] = {
    "supported": "[+]",
    "weak": "[~]",
    "failed": "[x]",
    "not_measured": "[ ]",
}
WIDTH = 80
LONGEST = 2000
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_SCOPE = ".pellucid-answer"


def without_marks(text: str) -> str:
    """Return a sentence without its emphasis marks.

    Example:
        >>> without_marks("**height** drives it")
        'height drives it'
    """
    return _BOLD.sub(r"\1", text)


def capitalised(text: str) -> str:
    """Return a sentence with a capital first letter: many begin with the name of an input."""
    return text[:1].upper() + text[1:]


def decisive_score(explanation: "Explanation") -> Score | None:
    """Return the score that decided the badge, None if there is none."""
    found = [s for s in explanation.faithfulness if s.metric == explanation.decisive]
    return found[0] if found else None


def interval_words(value: float, low: float, high: float) -> str:
    """Return an estimate with its interval, `not measured` if there is none."""
    return DotRow("", value, low, high).text


def words_of_test(explanation: "Explanation") -> str:
    """Return the badge line in words: test, n, random baseline."""
    score = decisive_score(explanation)
    if score is None or not score.interval.measured:
        return "not tested"
    words = f"tested by {score.label}, n {score.interval.n}"
    if score.interval.n_unscored:
        words += f" ({score.interval.n_unscored} unscored)"
    if score.control is not None and score.control.interval.measured:
        control = score.control.interval
        amount = interval_words(control.value, control.low, control.high)
        words += f"; {score.control.name}: {amount}"
    return words


def explanation_text(explanation: "Explanation") -> str:
    """Return an explanation in at most eight lines of 80 columns.

    Args:
        explanation: Any explanation, also one that could not be made.
    """
    mark, word = BADGE_MARKS[explanation.badge], BADGE_WORDS[explanation.badge]
    lines = [clip(f"{mark} {word}: {terminal_safe(explanation.question)}", WIDTH)]
    lines += _indented(capitalised(without_marks(explanation.text)), 3)
    lines += _indented(words_of_test(explanation), 1)
    if explanation.does_not_say:
        lines += _indented(f"This does not say {without_marks(explanation.does_not_say)}", 2)
    policy = "most-likely" if explanation.policy == "greedy" else "sampled"
    used = explanation.used
    lines += _indented(
        f"{explanation.method}, {policy} actions, {used.queries} queries, "
        f"{used.env_steps} environment steps",
        1,
    )
    return "\n".join(lines)


def _indented(words: str, n_lines: int) -> list[str]:
    return textwrap.wrap(
        terminal_safe(words),
        WIDTH,
        initial_indent="    ",
        subsequent_indent="    ",
        max_lines=n_lines,
        placeholder=" ...",
    )


def explanation_fragment(explanation: "Explanation") -> str:
    """Return an explanation as HTML for a notebook, at most 50 KB, on a transparent ground."""
    answer = _BOLD.sub(r"<b>\1</b>", _safe(capitalised(explanation.text)))
    parts = [
        f"<style>{_fragment_css()}</style>",
        f'<p class="q">{_safe(explanation.question)}</p>',
        f'<p class="a">{answer}</p>',
        _chart(explanation),
        _badge_line(explanation),
    ]
    if explanation.does_not_say:
        said = _BOLD.sub(r"\1", _safe(explanation.does_not_say))
        parts.append(f'<p class="n"><b>This does not say</b> {said}</p>')
    report = explanation.provenance.get("report")
    if isinstance(report, str):
        parts.append(f'<p class="n">Report: <code>{_safe(report)}</code></p>')
    return f'<div class="{_SCOPE[1:]}">{"".join(parts)}</div>'


def _badge_line(explanation: "Explanation") -> str:
    shape, word = badge_svg(explanation.badge), BADGE_WORDS[explanation.badge]
    return f'<p class="b">{shape} <b>{word}</b> · {_safe(words_of_test(explanation))}</p>'


def _chart(explanation: "Explanation") -> str:
    chart = content_chart(explanation.content) or score_chart(decisive_score(explanation))
    if chart is None or explanation.badge == "failed":
        return ""  # a chart beside a failed sentence would be read as the answer
    unit = f" ({_safe(chart.unit)})" if chart.unit else ""
    return f'<p class="n">{_safe(chart.title)}{unit}</p>{chart_svg(chart)}'


def _safe(text: str) -> str:
    return f"<bdi>{escape(visible(clip(text, LONGEST)), quote=True)}</bdi>"


def _fragment_css() -> str:
    # the marks keep 4:1 on white and on dark notebook themes; text takes the notebook's colour
    colours = (
        f"{_SCOPE}{{--text:currentColor;--muted:currentColor;--toward:#2A83BF;--away:#C2640F;"
        "--band:#8A8A8A55;--edge:#8A8A8A;--rule:#8A8A8A66;"
        "max-width:40em;line-height:1.45;color:inherit;background:transparent}"
    )
    words = (
        f"{_SCOPE} p{{margin:0 0 .6em}}{_SCOPE} .q{{font-weight:600}}"
        f"{_SCOPE} .n{{font-size:.9em;opacity:.8}}{_SCOPE} .shape{{vertical-align:-.15em}}"
        f"{_SCOPE} .c{{margin:0 0 .9em}}"
    )
    return colours + words + chart_css(f"{_SCOPE} ")
