"""The saliency suite: both ways make the same maps, and what is missing is named."""

import numpy as np
import pytest
import torch

from pellucid.bench import saliency
from pellucid.bench.harness import Scale


@pytest.fixture(scope="module")
def setting():
    return saliency._setting(2, 44)


def test_our_discs_are_those_of_the_published_loop(setting):
    ours = saliency.discs(setting)(np.arange(2))
    loop = saliency.disc_loop(setting, "policy", "value")(np.arange(1))
    assert ours.shape == (2, 2, 81)
    for found, expected in zip(ours[0], loop[0], strict=True):
        np.testing.assert_allclose(found, expected, atol=5e-5 * expected.max())
    assert loop.max(axis=(0, 2)).min() > 1e-3  # there is something to see
    np.testing.assert_array_equal(saliency.disc_loop(setting, "value")(np.arange(1)), loop[:, 1:])


def test_our_windows_are_whole_passes_and_captums(setting):
    exact = saliency._exact_windows(setting, None, 1)
    ours = saliency.windows(setting)(None)(np.arange(1))
    np.testing.assert_allclose(ours, exact, atol=1e-5 * np.abs(exact).max())
    pytest.importorskip("captum")
    theirs = saliency.occlusion(setting, 8)(2)(np.arange(1))
    np.testing.assert_allclose(theirs[..., 0], exact[..., 2], atol=1e-5 * np.abs(exact).max())


def test_each_pixel_gets_the_mean_of_the_windows_that_cover_it(setting):
    places = saliency._window_places(44)
    cover = saliency._cover(44)
    assert (cover[0, 0, 0], cover[20, 20, 0], cover.min()) == (1, 4, 1)
    values = np.arange(len(places), dtype=float)[:, None]
    spread = saliency._spread(values, places, cover)
    assert spread[0, 0, 0] == 0
    assert spread[5, 0, 0] == np.mean([0, 10])
    last = saliency._window_places(21)
    assert last.max() == 21 - saliency.WINDOW


@pytest.mark.slow
def test_the_suite_runs_and_asks_for_its_goals():
    pytest.importorskip("captum")
    noted = []
    rows = saliency.run(Scale.smoke, noted.append)
    assert [row.peer.split(",")[0] for row in rows] == [
        "loop as published", "loop as published", "whole passes alone",
        "captum Occlusion", "captum Occlusion", "whole passes alone",
    ]  # fmt: skip
    assert all(row.met is None for row in rows)
    assert all(row.error_ours < 1e-4 for row in rows if row.error_ours is not None)
    assert len(noted) == 2


def test_the_two_threads_of_discs_are_given_back():
    before = torch.get_num_threads()
    with saliency._threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_without_captum_the_row_says_so(monkeypatch, setting):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(saliency.importlib, "import_module", missing)
    rows = saliency._window_rows(setting)
    assert [row.reason for row in rows] == ["captum is not installed"]
