"""F16, F64: a stored report from elsewhere is shown only if nothing in it can do anything."""

import re

import pytest

from pellucid.errors import DataError
from pellucid.report.document import build_document
from pellucid.report.html import render_html
from pellucid.report.language.write import page_of
from pellucid.report.page import content_policy, templates
from pellucid.viewer.stored_page import fit_to_show, known_scripts
from tests.report import hostile, lunar, trees
from tests.report.language import hostile as language_hostile
from tests.report.language import runs
from tests.report.language.states import STATES
from tests.report.test_deferring import many
from tests.report.test_pictures import image_record


def page(record=None) -> str:
    record = record or lunar.lunar_record(with_frames=False)
    return render_html(record, build_document(record), json_sha256="0" * 64)


PAGE = page()


@pytest.mark.parametrize(
    "record",
    [
        lunar.lunar_record,
        hostile.hostile_record,
        trees.full_record,
        image_record,
        lambda: many(trees.full_record()),
    ],
    ids=lambda f: f.__name__,
)
def test_every_page_of_this_version_is_shown_as_it_is(record) -> None:
    content = page(record()).encode()
    assert fit_to_show(content) == content


@pytest.mark.parametrize("state", ["usual", *STATES])
def test_every_page_on_training_is_shown_as_it_is(state) -> None:
    content = page_of(runs.record(**STATES.get(state, {})))[2].encode()
    assert fit_to_show(content) == content


def test_a_hostile_page_on_training_is_shown_as_it_is() -> None:
    content = page_of(language_hostile.hostile_record())[2].encode()
    assert fit_to_show(content) == content


def test_the_scripts_of_all_kinds_of_reports_are_known() -> None:
    names = [n for n in templates().list_templates() if n.endswith("script.js.j2")]
    assert len(known_scripts()) == len(names) >= 2


EVIL = (
    '<meta http-equiv="refresh" content="0;url=https://evil.invalid">',
    '<META HTTP-EQUIV="refresh" CONTENT="0">',
    "<meta http-equiv=refresh content=0>",
    '<meta charset="utf-7">',
    '<base href="https://evil.invalid/">',
    '<link rel="stylesheet" href="https://evil.invalid/x.css">',
    '<link rel=dns-prefetch href="//evil.invalid">',
    '<iframe src="https://evil.invalid"></iframe>',
    '<object data="x"></object>',
    '<embed src="x">',
    '<form action="https://evil.invalid"><button>x</button></form>',
    '<button formaction="https://evil.invalid">x</button>',
    '<a href="https://evil.invalid">x</a>',
    '<a href="&#104;ttps://evil.invalid">x</a>',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="data:text/html,x">x</a>',
    '<a title=">" href="https://evil.invalid">x</a>',
    "<a href=https://evil.invalid>x</a>",
    "<a href='https://evil.invalid'>x</a>",
    '<a ping="https://evil.invalid" href="#x">x</a>',
    '<img src="https://evil.invalid/x.png">',
    '<img src="data:image/png;base64,x" onerror="alert(1)">',
    '<img/src="https://evil.invalid">',
    '<img srcset="https://evil.invalid 1x">',
    '<input type="image" src="https://evil.invalid">',
    '<p style="background:url(https://evil.invalid)">x</p>',
    '<p onclick="alert(1)">x</p>',
    '<script src="https://evil.invalid/x.js"></script>',
    '<script type="module">x</script>',
    '<script type="speculationrules">{}</script>',
    "<SCRIPT>alert(1)</SCRIPT>",
    "<script>document.write('<p>')</script>",
    "<svg><style><meta http-equiv='refresh' content='0'></style></svg>",
    "<svg><script>x<img src=y></script></svg>",
    "<svg><foreignObject><p>x</p></foreignObject></svg>",
    '<svg><image href="https://evil.invalid/x.png"/></svg>',
    '<svg><image href="data:image/svg+xml;base64,x"/></svg>',
    '<svg><image xlink:href="https://evil.invalid/x.png"/></svg>',
    '<image src="https://evil.invalid/x.png">',
    '<noscript data-later="1"><p title="</noscript><img src=x onerror=alert(1)>"></p></noscript>',
    '<noscript data-later="1"><style></noscript><p onclick="alert(1)"></style></noscript>',
    '<svg><a xlink:href="https://evil.invalid"><text>x</text></a></svg>',
    '<svg><use href="https://evil.invalid/x.svg#a"/></svg>',
    '<svg><rect fill="url(https://evil.invalid/x.svg#a)"/></svg>',
    '<svg><animate attributeName="href" to="https://evil.invalid"/></svg>',
    '<math href="https://evil.invalid"></math>',
    "<template><p>x</p></template>",
    "<textarea>",
    "<plaintext>",
    "<!-- x -->",
    "<![CDATA[x]]>",
    "<?xml x?>",
    "<!DOCTYPE x>",
    "< p>",
    "<p",
    '<p class="x<y">z</p>',
    "<style>p{color:red}</STYLE><p></style>",
    '<a title="<style>" href="https://evil.invalid" rel="</style>">x</a>',
    '<p title="<script>" onclick="alert(1)" class="</script>">x</p>',
    '<p title="<meta name="viewport" content="x">" onclick="alert(1)">x</p>',
    '<p<meta name="viewport" content="x">>x</p>',
    "\0",
)


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("place", ["<title>", '<main id="main"', "</body>"])
def test_what_could_do_something_is_refused(evil: str, place: str) -> None:
    before, found, after = PAGE.partition(place)
    assert found
    with pytest.raises(DataError, match="the stored report is not shown"):
        fit_to_show(f"{before}{evil}{found}{after}".encode())


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe<\x00h\x00",
        b"",
        b"<script>alert(1)</script>",
        PAGE.replace("Content-Security-Policy", "Refresh", 1).encode(),
        PAGE.replace("<head>", '<head><meta name="referrer" content="unsafe-url">', 1).encode(),
        PAGE.replace('<meta charset="utf-8">', '<meta charset="utf-7">', 1).encode(),
        (" " + PAGE).encode(),
    ],
)
def test_what_does_not_begin_as_a_report_is_refused(content: bytes) -> None:
    with pytest.raises(DataError, match="the stored report is not shown"):
        fit_to_show(content)


def test_a_script_that_is_not_ours_is_not_allowed_to_run() -> None:
    evil = "alert(1)"
    changed = PAGE.replace("</body>", f"<script>{evil}</script></body>")
    start = PAGE.index('content="default-src') + len('content="')
    stop = PAGE.index('"', start)
    style = PAGE.partition("<style>")[2].partition("</style>")[0]
    (own,) = [script for script in known_scripts() if f"<script>{script}</script>" in PAGE]
    opened = content_policy([style], [own, evil]).replace("'", "&#39;")
    changed = changed.replace(PAGE[start:stop], opened)
    shown = fit_to_show(changed.encode()).decode()
    assert shown[start:stop] == PAGE[start:stop], "the policy is that of the page without it"


def test_a_policy_that_allows_everything_is_replaced() -> None:
    start = PAGE.index('content="default-src') + len('content="')
    stop = PAGE.index('"', start)
    assert fit_to_show((PAGE[:start] + "default-src *" + PAGE[stop:]).encode()) == PAGE.encode()


def test_a_page_of_another_version_is_shown_without_its_script() -> None:
    (own,) = [script for script in known_scripts() if f"<script>{script}</script>" in PAGE]
    older = PAGE.replace(own, own.replace('"use strict"', '"use strict" /* older */'))
    shown = fit_to_show(older.encode()).decode()
    assert "script-src &#39;none&#39;" in shown
    assert older.partition("<style>")[2] == shown.partition("<style>")[2]


def test_what_waits_for_a_script_that_may_not_run_is_there_at_once() -> None:
    large = page(many(trees.full_record()))
    (own,) = [script for script in known_scripts() if f"<script>{script}</script>" in large]
    older = large.replace(own, own.replace('"use strict"', '"use strict" /* older */'))
    assert older.count("<noscript data-later") > 20
    shown = fit_to_show(older.encode()).decode()
    assert "noscript" not in shown.replace(
        own.replace('"use strict"', '"use strict" /* older */'), ""
    )
    assert len(re.findall("<(?!noscript)[a-z]", shown)) == len(
        re.findall("<(?!noscript)[a-z]", older)
    )
