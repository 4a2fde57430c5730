"""F05 and F06 of stored explanations and episodes: damage is noticed, or it changes nothing."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.explanation.test_storage import same
from tests.faults.test_f06_flipped_bits import flips
from tests.report import lunar
from tests.rollouts.test_storage import odd_episodes

from pellucid.errors import DataError
from pellucid.explanation.storage import load_explanation, save_explanation
from pellucid.rollouts import load_episodes, save_episodes


def stored(kind: str, folder: Path) -> tuple[list[Path], Callable[[], Any]]:
    """Store something; return its files and what reads it."""
    if kind == "explanation":
        save_explanation(lunar.supported(), folder / "x")
        names = ["x.json", "x.safetensors"]
        return [folder / n for n in names], lambda: load_explanation(folder / "x")
    save_episodes(odd_episodes(), folder)
    names = ["episodes.json", "episodes.safetensors"]
    return [folder / n for n in names], lambda: load_episodes(folder)


@pytest.mark.parametrize("kind", ["explanation", "episodes"])
def test_f06_a_flipped_bit_is_refused_or_changes_nothing(kind: str, tmp_path: Path) -> None:
    paths, load = stored(kind, tmp_path)
    expected = load()
    for path in paths:
        content, n_refused = path.read_bytes(), 0
        for damaged in flips(content):
            path.write_bytes(damaged)
            try:
                found = load()
            except DataError:
                n_refused += 1
            else:
                assert same(found, expected)
        path.write_bytes(content)
        assert n_refused > 150
    assert same(load(), expected)


@pytest.mark.parametrize("kind", ["explanation", "episodes"])
def test_f05_a_file_that_is_cut_is_refused(kind: str, tmp_path: Path) -> None:
    paths, load = stored(kind, tmp_path)
    expected = load()
    for path in paths:
        content = path.read_bytes()
        length = len(content)
        n_last = min(200, length - 1)
        places = [*range(length - n_last, length)]
        places += random.Random(5).sample(range(length - n_last), min(20, length - n_last))
        for place in places:
            path.write_bytes(content[:place])
            if content[place:].isspace():  # the line end at the very end is no part of it
                assert same(load(), expected)
            else:
                with pytest.raises(DataError, match=path.name):
                    load()
        path.write_bytes(content)


def test_a_checksum_that_was_made_to_fit_is_only_against_damage(tmp_path: Path) -> None:
    """Whoever may write the file may write its checksum: it is no signature."""
    (path, _), load = stored("explanation", tmp_path)
    text = path.read_text()
    path.write_text(text.replace('"sha256"', '"was_sha256"').replace('"shapley"', '"shapely"'))
    assert load().method == "shapely"
