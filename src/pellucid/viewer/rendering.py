"""Fills the viewer's own pages: the style of the reports, the same strict content policy."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pellucid.explanation import show
from pellucid.explanation.outside import visible
from pellucid.explanation.plots.svg import badge_svg, chart_css
from pellucid.explanation.rendering import BADGE_WORDS
from pellucid.report import page as report_page
from pellucid.report.deferring import deferred
from pellucid.report.page import content_policy, made_here

_HERE = Path(__file__).parent / "templates"
_STYLES = ("style.css.j2", "language/style.css.j2", "viewer.css.j2")
_SCRIPT = "viewer.js.j2"


def render(template: str, **values: Any) -> bytes:
    """Return a page.

    Args:
        template: Name of its template.
        values: What the template shows; all text in it is escaped.
    """
    environment = _environment()
    style, script = _sources()
    text = environment.get_template(template).render(
        style=made_here(style),
        script=made_here(script),
        policy=content_policy([style], [script]),
        badge=_badge,
        shape=_shape,
        words=BADGE_WORDS,
        v=visible,
        n=_number,
        moment=_moment,
        **values,
    )
    # a lone surrogate has no UTF-8; `visible` has shown those in outside text already
    return deferred(text).encode("utf-8", "replace")


@cache
def _environment() -> Environment:
    return Environment(
        loader=ChoiceLoader([FileSystemLoader(_HERE), _report_loader()]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _report_loader() -> Any:
    return report_page.templates().loader


@cache
def _sources() -> tuple[str, str]:
    environment = _environment()
    values = {"chart_css": made_here(chart_css()), "run": ""}
    style = "".join(environment.get_template(name).render(**values) for name in _STYLES)
    return style, environment.get_template(_SCRIPT).render()


def _badge(name: str) -> Markup:
    return Markup('<span class="badge {}">{} {}</span>').format(
        name.replace("_", "-"),
        _shape(name),
        BADGE_WORDS[name],  # type: ignore[index]
    )


def _shape(name: str) -> Markup:
    return made_here(badge_svg(name))


def _number(value: float) -> str:
    return "not measured" if math.isnan(value) else show(value)


def _moment(seconds: float) -> str:
    """Return a date and time in UTC to the minute; nothing if it is not known."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"
    except (OverflowError, ValueError, OSError):
        return ""


def pages_of(n_items: int, size: int) -> Sequence[range]:
    """Return which items each page shows; at least one page.

    Example:
        >>> pages_of(5, 2)
        [range(0, 2), range(2, 4), range(4, 5)]
    """
    return [range(i, min(i + size, n_items)) for i in range(0, max(n_items, 1), size)]
