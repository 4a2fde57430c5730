"""A function as an agent."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from pellucid.agents import agent_sha256, load_agent, save_agent
from pellucid.agents.acting import choose_actions, preference_unit, preferences
from pellucid.agents.function import CHUNK
from pellucid.errors import AgentError, CapabilityError, InputError
from pellucid.types import Context
from tests.agents.models import TORQUES, StubEnv, random_observations


def by_sign(observations: Any) -> Any:
    """Choose action 1 or 2 by the sign of the first input."""
    return np.where(observations[:, 0] > 0, 1, 2)


def drawn(observations: Any, rngs: Any) -> Any:
    """Draw one of four actions; 0 if most-likely actions are wanted."""
    if rngs is None:
        return np.zeros(len(observations), np.int64)
    return np.array([rng.integers(4) for rng in rngs])


NOT_A_FUNCTION = 3


def test_a_function_acts() -> None:
    agent = load_agent(by_sign, env=StubEnv())
    observations = np.array([[1, 0, 0], [-1, 0, 0]], np.float32)
    np.testing.assert_array_equal(agent.act(observations), [1, 2])
    np.testing.assert_array_equal(preferences(agent, observations), [[0, 1, 0, 0], [0, 0, 1, 0]])
    assert preference_unit(agent) == "choice"
    assert agent.capabilities == frozenset()
    assert agent.name == "by_sign"
    assert agent_sha256(agent) == ""


def test_a_continuous_function_gives_mean_actions() -> None:
    agent = load_agent(lambda rows: np.full((len(rows), 2), 0.75), env=StubEnv(TORQUES))
    np.testing.assert_array_equal(preferences(agent, random_observations(3)), np.full((3, 2), 0.75))
    assert agent.act(random_observations(3)).dtype == np.float32


def test_a_function_that_draws_gets_the_generator_of_each_row() -> None:
    agent = load_agent(drawn, env=StubEnv())
    assert agent.capabilities == {"sampling"}
    n_rows = CHUNK + 5
    rows = random_observations(n_rows)

    def rngs() -> list[np.random.Generator]:
        return [np.random.default_rng(i) for i in range(n_rows)]

    actions = choose_actions(agent, rows, "sampled", rngs())
    np.testing.assert_array_equal(actions, [rng.integers(4) for rng in rngs()])
    np.testing.assert_array_equal(choose_actions(agent, rows, "greedy", rngs()), np.zeros(n_rows))
    with pytest.raises(ValueError, match="generators"):
        agent.sample(rows, rngs()[:-1])  # type: ignore[attr-defined]


def test_a_function_without_rngs_cannot_draw() -> None:
    agent = load_agent(by_sign, env=StubEnv())
    with pytest.raises(CapabilityError, match="most-likely actions only") as caught:
        choose_actions(agent, random_observations(1), "sampled", [np.random.default_rng()])
    assert "greedy" in str(caught.value.hint)


def test_a_function_cannot_change_the_observations_of_its_caller() -> None:
    def careless(observations: Any) -> Any:
        observations[:] = 0
        return np.zeros(len(observations), np.int64)

    rows = random_observations(3)
    before = rows.copy()
    load_agent(careless, env=StubEnv()).act(rows)
    np.testing.assert_array_equal(rows, before)


def test_bytes_do_not_depend_on_the_batch() -> None:
    weights = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    agent = load_agent(
        lambda rows: np.clip(rows @ weights, TORQUES.low, TORQUES.high), env=StubEnv(TORQUES)
    )
    rows = random_observations(100)
    alone = np.concatenate([agent.act(rows[i : i + 1]) for i in range(100)])
    np.testing.assert_array_equal(alone, agent.act(rows))


def test_an_import_string_names_a_function_and_the_folder_is_importable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "my_own_policy.py").write_text(
        "import numpy as np\ndef act(obs):\n    return np.full(len(obs), 3)\n"
        "class Policy:\n    def __call__(self, obs):\n        return np.full(len(obs), 2)\n"
        "class Needs:\n    def __init__(self, x):\n        pass\nvalue = 3\n"
    )
    agent = load_agent("my_own_policy:act", env=StubEnv())
    np.testing.assert_array_equal(agent.act(random_observations(2)), [3, 3])
    assert agent.name == "my_own_policy:act"
    made = load_agent("my_own_policy:Policy", env=StubEnv())
    np.testing.assert_array_equal(made.act(random_observations(1)), [2])
    for text, what in (
        ("my_own_policy:Needs", "without arguments"),
        ("my_own_policy:value", "not a kind of agent"),
        ("my_own_policy:missing", "has no 'missing'"),
        ("no_such_policy:act", "cannot be imported"),
    ):
        with pytest.raises(InputError, match=what) as caught:
            load_agent(text, env=StubEnv())
        assert "\n" not in str(caught.value)
    del sys.modules["my_own_policy"]


def test_a_stored_function_is_imported_only_if_the_user_names_it(tmp_path: Path) -> None:
    name = f"{__name__}:by_sign"
    save_agent(load_agent(name, env=StubEnv()), tmp_path)
    for code in ([], [f"{__name__}:drawn"]):
        with pytest.raises(InputError, match="imported only if you name it") as caught:
            load_agent(tmp_path, code=code)
        assert f"--code {name}" in str(caught.value.hint)
    agent = load_agent(tmp_path, code=[name])
    np.testing.assert_array_equal(agent.act(np.ones((1, 3), np.float32)), [1])


def test_a_stored_function_without_a_name_says_so(tmp_path: Path) -> None:
    save_agent(load_agent(lambda rows: by_sign(rows), env=StubEnv()), tmp_path)
    with pytest.raises(InputError, match="never stored"):
        load_agent(tmp_path)


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (lambda: 0, "takes 0 arguments"),
        (lambda a, b: 0, "takes 2 arguments"),
        (NOT_A_FUNCTION, "is a int, which is not a kind of agent"),
    ],
)
def test_something_else_is_refused(function: Any, what: str) -> None:
    with pytest.raises(InputError, match=what):
        load_agent(function, env=StubEnv())


def test_a_function_needs_an_environment() -> None:
    with pytest.raises(InputError, match="needs an environment"):
        load_agent(by_sign)


def test_what_a_function_raises_is_an_error_of_the_agent() -> None:
    def broken(observations: Any) -> Any:
        raise KeyError("first\nsecond")

    with pytest.raises(AgentError, match="broken raised KeyError"):
        load_agent(broken, env=StubEnv()).act(random_observations(1))


# --- which actions are allowed ---


def test_a_function_with_a_parameter_masks_is_told_what_is_allowed_row_by_row() -> None:
    sizes = []

    def first_allowed(observations: Any, masks: Any) -> Any:
        sizes.append(masks.shape)
        return masks.argmax(axis=1)

    env = SimpleNamespace(observation_space=Box(-1, 1, (2,)), action_space=Discrete(3))
    agent: Any = load_agent(first_allowed, env=env)
    assert agent.capabilities == {"masks"}
    with pytest.raises(CapabilityError, match="which actions its environment allows"):
        agent.act(np.zeros((1, 2), np.float32))
    masks = np.eye(3, dtype=bool)[np.arange(70) % 3]
    rows = np.zeros((70, 2), np.float32)
    found = agent.within(Context(masks=masks)).act(rows)
    np.testing.assert_array_equal(found, np.arange(70) % 3)
    assert set(sizes) == {(32, 3)}
    one = agent.within(Context(masks=masks[2:3])).act(rows)
    assert (one == 2).all()
    assert agent.within(Context(masks=masks[:1])).act(rows[:0]).shape == (0,)


def test_a_function_may_draw_among_what_is_allowed() -> None:
    def drawn(observations: Any, rngs: Any, masks: Any) -> Any:
        if rngs is None:
            return masks.argmax(axis=1)
        return np.array([r.choice(np.flatnonzero(m)) for r, m in zip(rngs, masks, strict=True)])

    env = SimpleNamespace(observation_space=Box(-1, 1, (2,)), action_space=Discrete(3))
    agent: Any = load_agent(drawn, env=env)
    assert agent.capabilities == {"masks", "sampling"}
    bound = agent.within(Context(masks=np.array([[False, True, True]])))
    rngs = [np.random.default_rng(i) for i in range(40)]
    assert set(bound.sample(np.zeros((40, 2), np.float32), rngs)) == {1, 2}
    assert set(bound.act(np.zeros((4, 2), np.float32))) == {1}
