"""The bundle is the same pages as plain files: relative links, one strict policy each."""

import re
from pathlib import Path

import pytest

from pellucid.errors import InputError
from pellucid.viewer.bundle import Bundle, write_bundle
from pellucid.viewer.site import Site


@pytest.fixture(scope="module")
def bundle(runs_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_bundle(runs_folder, tmp_path_factory.mktemp("bundle") / "out", most_stored=3)


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_it_holds_every_page_of_the_site(bundle: Bundle, runs_folder: Path) -> None:
    site = Site(runs_folder, most_stored=3)
    written = files(bundle.folder)
    assert set(written) == set(site.addresses())
    assert bundle.n_files == len(written)
    assert bundle.n_bytes == sum(map(len, written.values()))
    assert bundle.n_runs == 4
    for address in ("index.html", "runs/sums/stored-2.html", "compare/hacked/sums.html"):
        page = site.page(address)
        assert page is not None
        assert written[address] == page.content


def test_reports_are_those_of_the_runs_byte_for_byte(bundle: Bundle, runs_folder: Path) -> None:
    for name in ("report.html", "report.json"):
        stored = (runs_folder / "sums" / name).read_bytes()
        assert (bundle.folder / "runs" / "sums" / name).read_bytes() == stored


def test_every_link_leads_to_a_file_of_the_bundle(bundle: Bundle) -> None:
    n_links = 0
    for name, content in files(bundle.folder).items():
        if not name.endswith(".html"):
            continue
        text = re.sub(r"<(script|style)[^>]*>.*?</\1>", "", content.decode(), flags=re.S)
        for link in re.findall(r'href="([^"]*)"', text):
            target, _, anchor = link.partition("#")
            if link.startswith("data:"):
                continue
            n_links += 1
            path = (bundle.folder / name).parent / target if target else bundle.folder / name
            assert path.is_file(), (name, link)
            if anchor:
                assert f'id="{anchor}"' in path.read_text(), (name, link)
    assert n_links > 100


def test_no_page_leads_outside_and_each_has_a_strict_policy(bundle: Bundle) -> None:
    for name, content in files(bundle.folder).items():
        if name.endswith(".html"):
            # the name of a namespace is no address
            text = content.decode().replace('xmlns="http://www.w3.org/2000/svg"', "")
            assert "http://" not in text, name
            assert "https://" not in text, name
            assert text.count("Content-Security-Policy") == 1
            assert "default-src &#39;none&#39;" in text
            assert " style=" not in text


def test_what_is_left_out_is_said(bundle: Bundle) -> None:
    text = (bundle.folder / "runs" / "lander-a" / "index.html").read_text()
    assert "Here are the first 3 of" in text
    assert "not in this bundle" in text


def test_two_bundles_of_the_same_runs_are_equal(
    bundle: Bundle, runs_folder: Path, tmp_path: Path
) -> None:
    again = write_bundle(runs_folder, tmp_path / "again", most_stored=3)
    assert files(again.folder) == files(bundle.folder)


def test_only_an_empty_folder_outside_the_runs_is_written(
    runs_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(InputError, match="expected an empty folder"):
        write_bundle(runs_folder, tmp_path)
    with pytest.raises(InputError, match="expected an empty folder"):
        write_bundle(runs_folder, tmp_path / "mine.txt")
    inside = runs_folder / "lander-a" / "bundle"
    with pytest.raises(InputError, match="lies in the run"):
        write_bundle(runs_folder, inside)
    assert not inside.exists()
