"""Patches of images as inputs: every method against the closed form of a linear agent."""

import numpy as np
import pytest
from tests.explainers.cases import task
from tests.explainers.images import PixelQ, corner, logged_images, patch_means

from pellucid.errors import InputError
from pellucid.explainers.state import blurring
from pellucid.explainers.state.blurring import as_observed, blurred
from pellucid.explainers.state.integrated_gradients import IntegratedGradients
from pellucid.explainers.state.pairs import planned_pairs
from pellucid.explainers.state.perturbation import Perturbation
from pellucid.explainers.state.rise import Rise
from pellucid.explainers.state.sarfa import Sarfa
from pellucid.explainers.state.shapley import Shapley
from pellucid.explanation.groups import grid_patches
from pellucid.kernels.frame_blur import disc_masks

GRID = "4x4"
DENSE = np.random.default_rng(2).normal(size=(8, 8, 2))


def explained(method, episodes, weights, dtype=np.float64, queries=10**6, **options):
    given = task(
        PixelQ(weights, dtype), episodes, queries=queries, options={"groups": GRID, **options}
    )
    return method().explain(given)


def states(episodes, content):
    return np.array([episodes[e].observations[t] for e, t in content.steps])


@pytest.mark.parametrize("dtype", [np.float64, np.uint8])
def test_blur_is_what_a_patch_adds_minus_what_its_blur_adds(dtype):
    episodes = logged_images(dtype)
    content = explained(Perturbation, episodes, DENSE, dtype).content
    images = states(episodes, content)
    hidden = as_observed(blurred(images), images)
    wanted = patch_means(images.astype(float) - hidden, DENSE)
    np.testing.assert_allclose(content.values[:, :, 0], wanted, atol=1e-9)
    assert (content.standard_errors == 0).all()
    assert content.baseline.shape == (len(images), 2)
    assert content.shape == (8, 8, 2)
    np.testing.assert_array_equal(content.groups, grid_patches((8, 8, 2), 4, 4).labels)
    np.testing.assert_allclose(content.observations, patch_means(images, np.full((8, 8, 2), 1 / 8)))


def test_a_disc_credits_a_patch_with_its_surroundings_too():
    episodes = logged_images()
    content = explained(Perturbation, episodes, DENSE, hide="disc").content
    images = states(episodes, content)
    centres = np.rint([[2 * i + 0.5, 2 * j + 0.5] for i in range(4) for j in range(4)]).astype(int)
    masks = disc_masks(centres, 8, 8, 1.0)[None, :, :, :, None]
    change = masks * (blurred(images) - images)[:, None]
    wanted = -(change * DENSE).sum(axis=(2, 3, 4))
    np.testing.assert_allclose(content.values[:, :, 0], wanted, atol=1e-9)


@pytest.mark.parametrize("method", [Perturbation, Shapley, IntegratedGradients])
@pytest.mark.parametrize("dtype", [np.float64, np.uint8])
def test_visited_states_give_each_patch_its_part_of_the_sum(method, dtype):
    episodes = logged_images(dtype)
    options = {"hide": "visited"} if method is Perturbation else {}
    finding = explained(method, episodes, DENSE, dtype, **options)
    images = states(episodes, finding.content)
    rows = episodes.visited.astype(float)  # fewer than are drawn, so all of them
    wanted = patch_means(images - rows.mean(axis=0), DENSE)
    tolerance = 1e-6 * np.abs(wanted).max()
    np.testing.assert_allclose(finding.content.values[:, :, 0], wanted, atol=tolerance)
    if finding.identity_error is not None:
        assert finding.identity_error < 1e-6


@pytest.mark.parametrize("method", [Perturbation, Shapley, IntegratedGradients, Rise, Sarfa])
def test_every_method_names_the_one_patch_that_is_looked_at(method):
    content = explained(method, logged_images(), corner()).content
    assert content.ranking[0] == 4
    others = np.delete(np.arange(16), 4)
    assert np.abs(content.values[:, others]).max() <= 1e-9 * np.abs(content.values).max()
    assert content.input_names[4] == "the patch at rows 2 to 3, columns 0 to 1"


def test_shapley_values_of_patches_are_estimated_where_they_are_many():
    finding = Shapley().explain(
        task(PixelQ(corner()), logged_images(), queries=10**6, options={"groups": "8x8"})
    )
    assert finding.facts["estimator"].text == "adjusted antithetic chains"
    assert set(finding.content.ranking[:4]) == {16, 17, 24, 25}


def test_objects_are_followed_where_they_go():
    def find(images):
        labels = np.full(images.shape[:3], -1)
        labels[np.arange(len(images)), 2, np.arange(len(images)) % 8] = 0
        return labels

    find.names = ("ball",)
    episodes = logged_images()
    for method in (Perturbation, Shapley, Rise):
        given = task(PixelQ(DENSE), episodes, options={"groups": find})
        content = method().explain(given).content
        assert content.groups.shape == (len(content.steps), 128)
        assert content.input_names == ("ball", "everything else")
        assert np.abs(content.values[:, 0, 0]).min() > 0


def test_queries_of_blur_are_planned_and_paid_for_exactly():
    given = task(PixelQ(DENSE), logged_images(), queries=100, options={"groups": GRID})
    planned = Perturbation().plan(given).queries
    finding = Perturbation().explain(given)
    assert given.meter.used.queries == planned == 5 * 18
    assert "5 visited states are explained, in place of 11" in finding.left_out[0]


def test_what_cannot_be_blurred_says_so():
    from tests.explainers.cases import LinearQ, logged

    vector = task(LinearQ(np.ones((3, 2))), logged(3, 2), options={"hide": "blur"})
    with pytest.raises(InputError, match="no images, and cannot be blurred"):
        Perturbation().plan(vector)
    for options, words in (
        ({"hide": "paint"}, "hide must be visited, blur or disc, got 'paint'"),
        ({"hide": "disc", "groups": {"a": [0]}}, "discs are for the patches of a grid"),
    ):
        with pytest.raises(InputError, match=words):
            Perturbation().plan(task(PixelQ(DENSE), logged_images(), options=options))


def test_planned_pairs_keep_their_groups():
    episodes = logged_images()
    groups = grid_patches((8, 8, 2), 4, 4)
    pairs = planned_pairs(task(None, episodes), "x", "", groups=groups, per_pair=1)
    assert pairs.groups is groups


def both_ways(monkeypatch, extra, **options):
    """The values of a convolutional agent by the faster way and by whole images."""
    from tests.agents.test_patched import Pixels, layers
    from torch import nn

    import pellucid as pl

    episodes = logged_images(np.uint8, (4, 36, 36), lengths=(3, 3))
    agent = pl.load_agent(nn.Sequential(*layers()), env=Pixels(), outputs="q_values")
    given = task(agent, episodes, options=options)
    planned = Perturbation().plan(given).queries
    with monkeypatch.context() as patch:
        patch.setattr(blurring, "_by_images", None)  # the way holds: no image is asked about
        fast = Perturbation().explain(given).content
    assert given.meter.used.queries == planned == 6 * (64 + extra)
    monkeypatch.setattr("pellucid.agents.patched.LEAST_NUMBERS", 10**9)
    slow = Perturbation().explain(task(agent, episodes, options=options)).content
    return fast.values, slow.values


def test_a_convolutional_agent_is_asked_by_patches_and_answers_the_same(monkeypatch):
    fast, slow = both_ways(monkeypatch, 5)
    np.testing.assert_allclose(fast, slow, atol=1e-4 * np.abs(slow).max())


def test_a_convolutional_agent_is_asked_by_discs_and_answers_nearly_the_same(monkeypatch):
    fast, slow = both_ways(monkeypatch, 7, hide="disc")
    # images that are made are rounded, mixtures within the network are not
    np.testing.assert_allclose(fast, slow, atol=0.05 * np.abs(slow).max())
    assert np.corrcoef(fast.ravel(), slow.ravel())[0, 1] > 0.999
