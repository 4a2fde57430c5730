"""A mistake in Python is told in one line before any work, as on the command line."""

import pytest

import pellucid as pl
from pellucid.errors import InputError
from tests.cli import runs, toy


@pytest.fixture(scope="module")
def agent():
    return pl.load_agent(toy.to_zero, env=runs.ENV)


@pytest.fixture(scope="module")
def episodes(agent):
    return pl.collect(agent, runs.ENV, n_episodes=2, seed=0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"n_episodes": "6"}, "n_episodes must be of type int, got str"),
        ({"n_episodes": True}, "n_episodes must be of type int, got bool"),
        ({"seed": 1.5}, "seed must be of type int, got float"),
        ({"seed": -1}, "the seed must be 0 or more, got -1"),
        ({"budget": 10}, "budget must be of type Cost, got int"),
    ],
)
def test_collect_takes_the_types_that_it_says(agent, given, said):
    with pytest.raises(InputError, match=said):
        pl.collect(agent, runs.ENV, **given)


def test_collect_takes_an_agent_and_no_bare_function():
    with pytest.raises(InputError, match="got function") as caught:
        pl.collect(toy.to_zero, runs.ENV)
    assert "load_agent" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"method": None}, "method must be of type str"),
        ({"seed": 1.5}, "seed must be of type int"),
        ({"budget": 10}, "budget must be of type Cost"),
    ],
)
def test_explain_takes_the_types_that_it_says(agent, episodes, given, said):
    with pytest.raises(InputError, match=said):
        pl.explain(agent, episodes, **{"method": "shapley", **given})


def test_explain_takes_an_agent_and_episodes(agent, episodes):
    with pytest.raises(InputError, match="agent must be of type Agent, got NoneType"):
        pl.explain(None, episodes, method="shapley")
    with pytest.raises(InputError, match="episodes must be of type Episodes, got list"):
        pl.explain(agent, [1], method="shapley")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"n_episodes": "a"}, "n_episodes must be of type int"),
        ({"budget": None}, "budget must be of type int"),
        ({"seed": 0.5}, "seed must be of type int"),
        ({"step": "x"}, "step must be of type int"),
        ({"methods": None}, "methods must be names"),
        ({"methods": [1]}, "methods must be names"),
    ],
)
def test_explain_all_takes_the_types_that_it_says(tmp_path, given, said):
    with pytest.raises(InputError, match=said):
        pl.explain_all(toy.to_zero, runs.ENV, out=tmp_path / "run", **given)
    assert not (tmp_path / "run").exists()
