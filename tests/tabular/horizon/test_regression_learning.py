"""Learning by lookahead in environments, with tables, scikit-learn and torch."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

from pellucid.errors import CapabilityError, EnvError, InputError
from pellucid.tabular.bridge import bridge_mdp
from pellucid.tabular.horizon import (
    TableRegressor,
    learn_by_lookahead,
    learn_with_regression,
    with_sticky_actions,
)
from pellucid.tabular.horizon.torch_regressor import TorchRegressor


class Trap(gymnasium.Env[Any, Any]):
    """A bait of 0.6 that ends the episode, or a second choice between 0 and 1."""

    observation_space = Discrete(2)
    action_space = Discrete(2, start=3)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.place = 0
        return 0, {}

    def step(self, action: Any) -> Any:
        if self.place == 0 and action == 4:
            self.place = 1
            return 1, 0.0, False, False, {}
        return self.place, 0.6 if self.place == 0 else float(action == 4), True, False, {}


class Side(gymnasium.Env[Any, Any]):
    """One step: the action must be the side on which a number lies."""

    observation_space = Box(-1.0, 1.0, (2,))
    action_space = Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.seen = self.np_random.uniform(-1, 1, 2).astype(np.float32)
        return self.seen, {}

    def step(self, action: Any) -> Any:
        return self.seen, float((self.seen[0] > 0) == action), True, False, {}


class Chance(gymnasium.Env[Any, Any]):
    """A table with chance, as an environment."""

    def __init__(self) -> None:
        self.mdp = with_sticky_actions(bridge_mdp("freeway_10_fs30"), 0.25)
        self.observation_space = Discrete(self.mdp.n_states)
        self.action_space = Discrete(self.mdp.n_actions)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.state = int(self.mdp.initial.argmax())
        return self.state, {}

    def step(self, action: Any) -> Any:
        rows = self.mdp.csr
        pair = self.state * self.mdp.n_actions + int(action)
        span = slice(rows.indptr[pair], rows.indptr[pair + 1])
        reward = float(self.mdp.rewards[self.state, action])
        self.state = int(self.np_random.choice(rows.indices[span], p=rows.data[span]))
        return self.state, reward, False, False, {}


def test_lookahead_finds_what_is_behind_the_bait() -> None:
    for k, value in ((1, 0.6), (2, 1.0)):
        learned = learn_with_regression(Trap, TableRegressor, k=k, m=100, seed=0, horizon=2)
        assert learned.returns.value == pytest.approx(value)


@pytest.mark.parametrize(
    "regressor",
    [LinearRegression, lambda: DecisionTreeRegressor(max_depth=3), TorchRegressor],
    ids=["linear", "tree", "torch"],
)
def test_regressors_generalise(regressor) -> None:
    learned = learn_with_regression(Side, regressor, k=1, m=400, seed=0, horizon=1)
    assert learned.returns.value > 0.85
    assert learned.env_steps == 400
    # a table has never seen these numbers
    table = learn_with_regression(Side, TableRegressor, k=1, m=400, seed=0, horizon=1)
    assert abs(table.returns.value - 0.5) < 0.2


def test_the_same_as_in_a_table_on_a_table() -> None:
    learned = learn_with_regression(Chance, TableRegressor, k=1, m=100, seed=0, horizon=10)
    exact = learn_by_lookahead(Chance().mdp, k=1, m=100, seed=0)
    assert learned.env_steps == exact.env_steps == 10_000
    assert learned.returns.value > 0.7
    assert exact.value > 0.7


def test_what_was_learned_is_the_same_for_the_same_seed() -> None:
    def run(seed: int) -> float:
        made = learn_with_regression(Side, TorchRegressor, k=1, m=50, seed=seed, horizon=1)
        return float(made.policies[0].values(np.array([[0.3, 0.1]]))[0, 0])

    assert run(0) == run(0) != run(1)


def test_the_global_generators_are_left_alone() -> None:
    import torch

    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    learn_with_regression(Side, TorchRegressor, k=1, m=20, seed=0, horizon=1)
    assert torch.equal(before, torch.random.get_rng_state())


def test_episodes_that_are_over_leave_nothing_to_learn() -> None:
    learned = learn_with_regression(Side, TableRegressor, k=1, m=5, seed=0, horizon=10)
    assert len(learned.policies) == 1


def test_a_named_environment_will_do() -> None:
    learned = learn_with_regression(
        "pellucid/KeyDoorTrap-v0", LinearRegression, k=1, m=40, seed=0, horizon=12
    )
    assert learned.returns.value == 10.0


class _Broken(Side):
    def step(self, action: Any) -> Any:
        raise RuntimeError("no more")


class _Unpaid(Side):
    def step(self, action: Any) -> Any:
        return self.seen, float("nan"), True, False, {}


class _Continuous(Side):
    action_space = Box(0.0, 1.0, (1,))  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("env", "options", "error", "message"),
    [
        (Side, {"k": 0}, InputError, "got 0, 5 and 1"),
        (_Broken, {}, EnvError, "_Broken raised RuntimeError: no more"),
        (_Unpaid, {}, EnvError, "paid nan, expected a finite number"),
        (_Continuous, {}, CapabilityError, "expected discrete actions"),
    ],
)
def test_bad_input_is_refused(env, options, error, message) -> None:
    with pytest.raises(error, match=message):
        learn_with_regression(
            env, TableRegressor, **{"k": 1, "m": 5, "seed": 0, "horizon": 1, **options}
        )
