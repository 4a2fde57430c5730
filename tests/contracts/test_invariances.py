"""F39, F40: other names, another order, another currency: the same explanation in those terms."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box

import pellucid as pl
from pellucid.budget import Cost
from pellucid.explanation import RETURN, RETURN_LOST
from pellucid.explanation.programs import program_of
from pellucid.kernels.programs import outputs_of
from tests.contracts.agents import TRACK, LinearAgent, on_the_track

EXPLAINERS = on_the_track()
BUDGET = Cost(100_000, 50_000)
ORDER = [2, 0, 1]
FACTOR = 4.0
"""A power of two, so that scaled rewards add up to exactly scaled returns."""


class Reordered(gymnasium.ObservationWrapper):
    """Shows the same inputs in another order."""

    def __init__(self, env):
        super().__init__(env)
        self.observation_space = Box(-10.0, 10.0, (3,), np.float64)

    def observation(self, observation):
        return observation[ORDER]


class Scaled(gymnasium.Wrapper):
    """Pays in another currency."""

    def step(self, action):
        observation, reward, terminated, truncated, info = self.env.step(action)
        terms = {name: FACTOR * value for name, value in info["reward_terms"].items()}
        return observation, FACTOR * reward, terminated, truncated, {**info, "reward_terms": terms}


class ReorderedAgent(LinearAgent):
    """The same agent, reading its inputs where they are now."""

    weights = LinearAgent.weights[ORDER]

    def value(self, observations):
        return super().value(observations[:, np.argsort(ORDER)])


def collected(agent, *wrappers):
    names = tuple(f"tests.contracts.test_invariances:{wrapper}" for wrapper in wrappers)
    return pl.collect(agent, TRACK, n_episodes=10, seed=0, wrappers=names)


def explained(agent, episodes, method, **options):
    return pl.explain(agent, episodes, method=method, seed=0, budget=BUDGET, options=options)


@pytest.fixture(scope="module")
def usual():
    return collected(LinearAgent())


def arrays(content):
    """Every array of a content, by name."""
    return {n: v for n, v in vars(content).items() if isinstance(v, np.ndarray)}


def assert_same(one, other, *, but=()):
    for name, value in arrays(one).items():
        if name not in but:
            np.testing.assert_allclose(getattr(other, name), value, atol=1e-9, err_msg=name)


def assert_scores_agree(one, other, factors=None):
    """Values agree; controls that are drawn by lot per input agree as far as luck allows."""
    assert [s.metric for s in one.faithfulness] == [s.metric for s in other.faithfulness]
    for a, b in zip(one.faithfulness, other.faithfulness, strict=True):
        factor = (factors or {}).get(a.metric, 1.0)
        if a.role != "sanity":
            close = pytest.approx(factor * a.interval.value, abs=1e-6, nan_ok=True)
            assert b.interval.value == close, a.metric
    assert (one.badge, one.decisive) == (other.badge, other.decisive)


# --- F39: inputs in another order ---


def _attribution_moved(one, other, states):
    np.testing.assert_allclose(other.values, one.values[:, ORDER], atol=1e-9)
    np.testing.assert_allclose(other.standard_errors, one.standard_errors[:, ORDER], atol=1e-9)
    assert ORDER[int(other.ranking[0])] == int(one.ranking[0])


def _nothing_moved(one, other, states):
    assert_same(one, other, but=("observation",))


def _futures_moved(one, other, states):
    """Outcomes are about inputs, and come in their order; those of how it ends come last."""
    looked_at = one.outcome_columns
    outcomes = [i for column in (*ORDER, -1) for i in np.flatnonzero(looked_at == column)]
    about = ("outcomes", "outcome_bounds", "p_values") if outcomes else ()
    for name in about:
        np.testing.assert_allclose(getattr(other, name), getattr(one, name)[..., outcomes])
    assert_same(one, other, but=("observation", "outcome_columns", *about))


def _tree_moved(one, other, states):
    assert one.n_parts == other.n_parts
    same = _predictions(one, states) == _predictions(other, states[:, ORDER])
    assert same.all()
    np.testing.assert_allclose(other.returns, one.returns)


def _predictions(content, states):
    return outputs_of(program_of(content), states).argmax(axis=1)


def _changes_moved(one, other, states):
    for name in ("observations", "changed"):
        moved = getattr(one, name)[:, ORDER]
        np.testing.assert_allclose(getattr(other, name), moved, atol=1e-9)
    np.testing.assert_allclose(other.scales, one.scales[ORDER], atol=1e-12)
    assert_same(one, other, but=("observations", "changed", "scales"))


def _bands_moved(one, other, states):
    np.testing.assert_allclose(other.bands, one.bands[:, :, ORDER], atol=1e-9)
    for name in ("standing_still", "followed", "spreads", "observations"):
        moved = getattr(one, name)[..., ORDER]
        np.testing.assert_allclose(getattr(other, name), moved, atol=1e-9, err_msg=name)
    assert one.shown == other.shown


def _amounts_moved(one, other, states):
    """Events are about inputs, and come in their order."""
    events = [i for column in ORDER for i in np.flatnonzero(one.columns == column)]
    for name in ("amounts", "standard_errors", "realised", "bounds", "above"):
        np.testing.assert_allclose(
            getattr(other, name), getattr(one, name)[..., events], atol=1e-9, err_msg=name
        )
    moved = ("amounts", "standard_errors", "realised", "bounds", "above", "columns", "observations")
    assert_same(one, other, but=moved)
    np.testing.assert_allclose(other.observations, one.observations[:, ORDER], atol=1e-9)
    assert one.shown == other.shown


def _graph_moved(one, other, states):
    if one.form != "causes":
        return _nothing_moved(one, other, states)
    n = len(ORDER)
    nodes = [*ORDER, *range(n, len(one.node_names))]  # the parts of the reward stay where they are
    for name in ("effects", "effect_lows", "effect_highs"):
        moved = getattr(one, name)[:, nodes][:, :, nodes]
        np.testing.assert_allclose(getattr(other, name), moved, atol=1e-9)
    assert [nodes[i] for i in other.chain] == one.chain.tolist()
    np.testing.assert_allclose(other.outcomes, one.outcomes, atol=1e-9)
    np.testing.assert_allclose(other.gains, one.gains, atol=1e-9)
    return None


def _announced_moved(one, other, states):
    inputs = one.columns >= 0
    assert [ORDER[i] for i in other.columns[inputs]] == one.columns[inputs].tolist()
    assert_same(one, other, but=("columns",))


def _rules_moved(one, other, states):
    assert_same(one, other, but=("scale",))
    if len(one.scale):
        np.testing.assert_allclose(other.scale, one.scale[ORDER], atol=1e-12)


MOVED = {
    "prediction": _announced_moved,
    "amounts": _amounts_moved,
    "bands": _bands_moved,
    "orders": _nothing_moved,
    "graph": _graph_moved,
    "attribution": _attribution_moved,
    "contributions": _nothing_moved,
    "components": _nothing_moved,
    "counterfactual_states": _changes_moved,
    "segments": _nothing_moved,
    "futures": _futures_moved,
    "rules": _rules_moved,
    "surrogate": _tree_moved,
    "summary": _nothing_moved,
}


@pytest.mark.parametrize("method", EXPLAINERS)
def test_f39_inputs_in_another_order_are_explained_in_that_order(method, usual) -> None:
    moved = collected(ReorderedAgent(), "Reordered")
    assert [e.total_reward for e in moved.used] == [e.total_reward for e in usual.used]
    one = explained(LinearAgent(), usual, method)
    other = explained(ReorderedAgent(), moved, method)
    MOVED[one.content.kind](one.content, other.content, usual.visited)
    assert_scores_agree(one, other)


# --- F39: episodes in another order ---


def _rows(content, episodes):
    """Attributions by the episode and step that they are of."""
    steps = [(episodes[int(e)].index, int(t)) for e, t in content.steps]
    return {step: content.values[row] for row, step in enumerate(steps)}


def test_f39_attributions_do_not_depend_on_the_order_of_the_episodes(usual) -> None:
    # few enough visited states that all of them are explained, each against all of them
    few = replace(usual, attempted=usual.attempted[:4])
    back = replace(few, attempted=few.attempted[::-1])
    one, other = (explained(LinearAgent(), e, "shapley") for e in (few, back))
    rows, moved = _rows(one.content, few), _rows(other.content, back)
    assert len(rows) == len(few.visited)
    assert set(rows) == set(moved)
    for step, values in rows.items():
        np.testing.assert_allclose(moved[step], values, atol=1e-9)


@pytest.mark.parametrize(("method", "options"), [("critical-steps", {}), ("why-not", {"step": 3})])
def test_f39_what_is_said_of_one_episode_does_not_depend_on_its_place(
    method, options, usual
) -> None:
    back = replace(usual, attempted=usual.attempted[::-1])
    one = explained(LinearAgent(), usual, method, episode=2, **options)
    other = explained(LinearAgent(), back, method, episode=len(usual) - 3, **options)
    assert_same(one.content, other.content)
    assert_scores_agree(one, other)


# --- F40: rewards in another currency ---

SCALED = {
    "graph": ("gains", "values", "limits"),
    "attribution": (),
    "contributions": (),
    "counterfactual_states": (),
    "rules": (),
    "segments": ("drops", "standard_errors"),
    "futures": ("returns", "terms", "terms_error"),
    "components": ("values", "whole"),
    "surrogate": ("returns", "return_lows", "return_highs"),
    "summary": (),
    "prediction": (),
    "amounts": ("returns",),
    "bands": (),
    "orders": (),
}
SCALED_RETURNS = ("values", "outputs", "baseline", "standard_errors")
"""Of an attribution of what the agent earns; the others are of its choices and predictions."""


def _in_rewards(content):
    """Return the arrays of a content that are in units of reward."""
    if content.kind == "attribution" and content.output_unit == RETURN:
        return SCALED_RETURNS
    if content.kind == "segments" and content.quantity != RETURN_LOST:
        return ()
    return SCALED[content.kind]


@pytest.mark.parametrize("method", EXPLAINERS)
def test_f40_scaled_rewards_scale_what_is_said_of_rewards_and_nothing_else(method, usual) -> None:
    one = explained(LinearAgent(), usual, method)
    other = explained(LinearAgent(), collected(LinearAgent(), "Scaled"), method)
    scaled = _in_rewards(one.content)
    assert_same(one.content, other.content, but=scaled)
    for name in scaled:
        value = getattr(one.content, name)
        np.testing.assert_allclose(getattr(other.content, name), FACTOR * value, rtol=1e-9)
    in_rewards = [s.metric for s in one.faithfulness if s.value_unit == usual.names.reward_unit]
    assert_scores_agree(one, other, dict.fromkeys(in_rewards, FACTOR))
