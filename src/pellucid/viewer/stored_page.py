"""Makes a stored report fit to be shown: it may come from elsewhere, and must not do anything.

A report is shown as it is stored if it is of the plain kind that pellucid writes: every element and
attribute is one that does nothing by itself, and nothing leads outside. Its content policy is then
written anew, so that no script may run but those of this version. Any other page is refused, since
only a whole parser of HTML could tell what a browser makes of it.
"""

import html
import re
from functools import cache

from pellucid.errors import DataError
from pellucid.report.page import content_policy, templates

_HEAD = re.compile(
    r'<!DOCTYPE html>\n<html lang="[a-zA-Z-]{1,20}">\n<head>\n<meta charset="utf-8">\n'
    r'<meta http-equiv="Content-Security-Policy" content="(?P<policy>[^"<>]*)">\n'
)
_META = re.compile(r'<meta name="(?:viewport|color-scheme|referrer)" content="[^"<>&]*">')
_RAW = re.compile(
    r"<(?P<name>script|style)(?P<attributes>[^<>]*)>(?P<body>.*?)</(?P=name)>", re.DOTALL
)
_DATA_BLOCK = re.compile(r' type="application/json"(?: id="[a-z-]+")?')
_OPENS = re.compile(r"<[A-Za-z/!?]")
_TAG = re.compile(
    r"<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9]*)"
    r'(?P<attributes>(?:\s+[A-Za-z][A-Za-z0-9-]*(?:="[^"<]*")?)*)\s*/?>'
)
_ATTRIBUTE = re.compile(r'([A-Za-z][A-Za-z0-9-]*)(?:="([^"<]*)")?')

_ELEMENTS = re.compile(
    r"html|head|title|body|main|header|footer|section|article|aside|nav|div|span|p|a|b|i|em|strong|"
    r"small|sub|sup|s|u|mark|abbr|bdi|bdo|br|hr|wbr|code|kbd|samp|var|pre|blockquote|q|cite|time|"
    r"data|ul|ol|li|dl|dt|dd|table|caption|thead|tbody|tfoot|tr|th|td|colgroup|col|figure|"
    r"figcaption|img|details|summary|button|input|label|select|option|optgroup|output|progress|"
    r"meter|h[1-6]|noscript|"
    r"svg|g|path|line|rect|circle|ellipse|polyline|polygon|text|tspan|desc|defs|marker|pattern|"
    r"clippath|lineargradient|radialgradient|stop|use|image"
)
"""Elements that do nothing by themselves."""
_HARMLESS = re.compile(
    r"(?:aria-[a-z]+|data-[a-z0-9-]+|class|id|lang|dir|title|alt|width|height|role|tabindex|hidden|"
    r"open|value|min|max|step|type|name|for|disabled|selected|checked|list|start|reversed|datetime|"
    r"scope|colspan|rowspan|headers|span|download|loading|decoding|label|overflow|visibility|"
    r"viewbox|preserveaspectratio|focusable|xmlns|d|x|y|x1|x2|y1|y2|r|rx|ry|cx|cy|dx|dy|points|"
    r"transform|fill|fill-[a-z]+|stroke|stroke-[a-z]+|opacity|text-anchor|dominant-baseline|"
    r"font-[a-z]+|letter-spacing|textlength|lengthadjust|clip-path|clip-rule|clippathunits|"
    r"gradientunits|gradienttransform|patternunits|offset|stop-color|stop-opacity|marker-[a-z]+|"
    r"markerwidth|markerheight|markerunits|refx|refy|orient|vector-effect|shape-rendering|rotate|"
    r"image-rendering)"
)
_WAITING = re.compile(r'<noscript data-later="\d">|</noscript>')
_OUTSIDE = re.compile(r"url\s*\((?!#)", re.IGNORECASE)
"""In an attribute that draws: the fill of a shape may lie in another document."""


def fit_to_show(content: bytes) -> bytes:
    """Return a stored page with a content policy that lets only this version's scripts run.

    A page of this version is returned as it is.

    Args:
        content: The file.

    Raises:
        DataError: It is not of the plain kind that pellucid writes; the message says why not.
    """
    try:
        page = content.decode("utf-8")
    except UnicodeDecodeError:
        raise _refused("it is not UTF-8") from None
    head = _HEAD.match(page)
    if head is None or "\0" in page:
        raise _refused("it does not begin as one")
    styles, scripts = _checked(page, head.end())
    # a sheet is inert under this policy; a script of another version is not known, and is left out
    allowed = [script for script in scripts if script in known_scripts()]
    policy = html.escape(content_policy(styles, allowed)).replace("&#x27;", "&#39;")
    start, end = head.span("policy")
    rest = page[end:]
    if len(allowed) < len(scripts):  # what waits for the script that is left out would never show
        rest = _WAITING.sub("", rest)
    return (page[:start] + policy + rest).encode("utf-8")


@cache
def known_scripts() -> frozenset[str]:
    """Return the scripts of this version's reports."""
    environment = templates()
    names = [name for name in environment.list_templates() if name.endswith("script.js.j2")]
    return frozenset(environment.get_template(name).render() for name in names)


def _checked(page: str, at: int) -> tuple[list[str], list[str]]:
    """Check every element from a place on; return the style sheets and scripts.

    In one pass from `<` to `<`, as a browser reads it: what lies inside a quoted value is never
    taken for an element, nor an element for part of a value.
    """
    styles: list[str] = []
    scripts: list[str] = []
    at = page.find("<", at)
    while at >= 0:
        found = _META.match(page, at) or _RAW.match(page, at)
        if found is None:
            found = _checked_tag(page, at)
        elif found.re is _RAW:
            _check_body(found, styles, scripts)
        at = page.find("<", found.end())
    return styles, scripts


def _check_body(found: re.Match[str], styles: list[str], scripts: list[str]) -> None:
    name, attributes, body = found["name"], found["attributes"], found["body"]
    is_data = name == "script" and _DATA_BLOCK.fullmatch(attributes) is not None
    if attributes and not is_data:
        raise _refused(f"it holds <{name}{attributes:.40}>")
    # inside a drawing a browser reads the body as elements
    if body not in known_scripts() and _OPENS.search(body):
        raise _refused(f"it holds elements within <{name}>")
    if name == "style":
        styles.append(body)
    elif not is_data:
        scripts.append(body)


def _checked_tag(page: str, at: int) -> re.Match[str]:
    tag = _TAG.match(page, at)
    if tag is None:
        raise _refused(f"it holds {page[at : at + 40]!r}")
    name = tag["name"].lower()
    if _ELEMENTS.fullmatch(name) is None:
        raise _refused(f"it holds <{name}>")
    if tag["attributes"]:
        _check_attributes(name, tag["attributes"])
    return tag


def _check_attributes(element: str, attributes: str) -> None:
    pairs = [(name.lower(), value) for name, value in _ATTRIBUTE.findall(attributes)]
    names = {name for name, _ in pairs}
    for name, value in pairs:
        if name == "href":
            allowed = value.startswith("#") or _is_own(element, names, value)
        elif name == "src":
            allowed = element == "img" and value.startswith("data:image/")
        else:
            allowed = _HARMLESS.fullmatch(name) is not None and not _OUTSIDE.search(value)
        if not allowed:
            raise _refused(f"it holds <{element} {name}={value[:40]!r}>")


def _is_own(element: str, names: set[str], address: str) -> bool:
    """Whether an address holds what it leads to: a picture, or data that is only saved."""
    if element == "image":
        return address.startswith("data:image/png;base64,")
    return address.startswith("data:") and "download" in names


def _refused(why: str) -> DataError:
    return DataError(
        f"the stored report is not shown: {why}, which no report of pellucid does",
        hint="make it again from the run with pellucid explain",
    )
