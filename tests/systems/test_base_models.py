"""Base models: the same seed gives the same one, copies are independent, pass@k is averaged."""

import torch

from pellucid.posttrain.native import Solved
from pellucid.posttrain.tasks import Machines
from pellucid.systems.base_models import SMOKE, success, warm_started


def test_the_same_seed_gives_the_same_model() -> None:
    world = Machines()
    texts = world.texts(8, seed=0)
    one, other, third = (warm_started(world.vocabulary, texts, SMOKE, seed=s) for s in (0, 0, 1))
    weights = [next(base.model.parameters()) for base in (one, other, third)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_copy_is_trained_without_changing_the_base() -> None:
    world = Machines()
    base = warm_started(world.vocabulary, world.texts(8, seed=0), SMOKE, seed=0)
    before = next(base.model.parameters()).detach().clone()
    with torch.no_grad():
        next(base.copy().parameters()).add_(1.0)
    assert torch.equal(next(base.model.parameters()), before)


def test_success_is_averaged_over_examples() -> None:
    def solved(*right: bool) -> Solved:
        return Solved(("",) * len(right), right, (True,) * len(right))

    both = [solved(True, False, False, False), solved(False, False, False, False)]
    assert success(both) == 0.125
    assert success(both, 2) == 0.25
