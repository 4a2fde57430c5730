"""The planted sum: the right formula passes, others do not, and trees are not scored."""

import numpy as np
import pytest

from pellucid.envs.names import Names
from pellucid.explanation.programs import surrogate_of
from pellucid.faithfulness.planted import sums
from pellucid.faithfulness.planted.sums import KnownSum
from pellucid.kernels.cart import LEAF, Cart
from pellucid.kernels.programs import Program

TRUTH = KnownSum(np.array([1.0, 0.0, -0.5, 0.0, 0.0, 0.75]))
ONE_LEAF = Cart(np.array([LEAF]), np.zeros(1), np.full((1, 2), LEAF), np.zeros((1, 2)))
STUMP = Cart(
    np.array([6, LEAF, LEAF]),
    np.zeros(3),
    np.array([[1, 2], [LEAF, LEAF], [LEAF, LEAF]]),
    np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]]),
)
NAMES = Names(tuple("abcdef"), ("",) * 6, ("no", "yes"), ("", ""))


def content(program, form="formula"):
    return surrogate_of(
        program, form=form, n_parts=4, names=NAMES, actions=np.arange(2),
        complexity=np.array([1]), returns=np.zeros(1),
    )  # fmt: skip


def formula(weights):
    return content(Program(ONE_LEAF, 6, (), np.stack([0 * weights, weights])[None]))


def test_the_agents_own_sum_is_right():
    assert sums.agreement(formula(TRUTH.weights), TRUTH) == 1.0
    assert sums.weight_share(formula(TRUTH.weights), TRUTH) == 1.0
    oblique = content(Program(STUMP, 6, ("x[0] - 0.5*x[2] + 0.75*x[5]",)), "tree")
    assert sums.agreement(oblique, TRUTH) == 1.0
    assert sums.weight_share(oblique, TRUTH) == 1.0


def test_weight_on_other_inputs_is_told_apart():
    half = formula(np.array([1.0, 1.125, -0.5, 1.125, 0.0, 0.75]))
    assert sums.weight_share(half, TRUTH) == pytest.approx(0.5, abs=0.02)
    assert sums.agreement(half, TRUTH) < sums.AGREEMENT
    oblique = content(Program(STUMP, 6, ("x[0] + x[1]",)), "tree")
    assert sums.weight_share(oblique, TRUTH) == pytest.approx(1 / 4)
    crossed = content(
        Program(ONE_LEAF, 6, ("x[0]*x[1]",), np.array([[[0.0] * 7, [0.0] * 6 + [1.0]]]))
    )
    assert sums.weight_share(crossed, TRUTH) == 0.0


def test_trees_of_single_inputs_are_not_scored():
    plain = Program(STUMP._replace(features=np.array([0, LEAF, LEAF])), 6)
    assert np.isnan(sums.agreement(content(plain, "tree"), TRUTH))
    assert np.isnan(sums.weight_share(content(plain, "tree"), TRUTH))


def test_the_control_is_scored_and_knows_nothing():
    rng = np.random.default_rng(0)
    drawn = [sums.shuffled_labels(formula(TRUTH.weights), TRUTH, rng) for _ in range(10)]
    assert np.mean([sums.agreement(one, TRUTH) for one in drawn]) == pytest.approx(0.5, abs=0.06)
    assert np.mean([sums.weight_share(one, TRUTH) for one in drawn]) < 0.7


def test_the_agent_weighs_three_inputs_and_earns_all():
    setting = sums.weighted_sum(1000)
    assert len(setting.truth.inputs) == 3
    rows = np.random.default_rng(0).uniform(-1, 1, (50, 6)).astype(np.float32)
    wanted = (rows @ setting.truth.weights > 0).astype(int)
    assert setting.agent.act(rows).tolist() == wanted.tolist()
