import inspect

import pytest

from pellucid.api import collecting
from pellucid.api.request import (
    DEFAULT_BUDGET,
    DEFAULT_METHODS,
    Request,
    check_methods,
    check_options,
    collection_cap,
    make_request,
    options_of,
    share_of,
    too_few_episodes,
)
from pellucid.budget import Cost
from pellucid.cli.explain import explain
from pellucid.envs import EnvSpec
from pellucid.errors import BudgetError, InputError, UnknownNameError

ASKED = {
    "methods": "shapley,why-not",
    "n_episodes": 20,
    "seed": 0,
    "budget": 1000,
    "env_steps": 1000,
    "policy": "greedy",
    "episode": None,
    "step": None,
    "names": None,
}


def test_what_is_asked_is_kept():
    request = make_request(**ASKED | {"episode": 3, "step": 7})
    assert request.methods == ("shapley", "why-not")
    assert request.allowed == Cost(1000, 1000)
    assert request.options == {"episode": 3, "step": 7}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"policy": "gredy"}, "greedy or sampled"),
        ({"n_episodes": 0}, "at least one episode"),
        ({"seed": -1}, "0 or more"),
        ({"episode": 20}, "episode 20 is out of range"),
        ({"episode": -1}, "episode -1 is out of range"),
        ({"step": -1}, "step -1 is out of range"),
        ({"names": "nowhere.yaml"}, r"no file nowhere\.yaml"),
        ({"methods": " , "}, "no method"),
        (
            {"methods": "shapley,viper-tree", "step": 1},
            "--step is for methods that explain one step",
        ),
        ({"methods": "shapley", "episode": 1}, "--episode is for methods that explain one episode"),
    ],
)
def test_mistakes_are_named(change, message):
    with pytest.raises(InputError, match=message):
        make_request(**ASKED | change)


@pytest.mark.parametrize(("name", "amount"), [("budget", 4), ("env_steps", 0)])
def test_f36_a_budget_below_five_steps_is_refused_before_any_work(name, amount):
    with pytest.raises(BudgetError, match=f"allows {amount} .* 5 episodes need at least 5"):
        make_request(**ASKED | {name: amount})


def test_f62_an_unknown_method_gets_a_suggestion():
    with pytest.raises(UnknownNameError) as caught:
        check_methods("shaply")
    assert caught.value.hint == "did you mean 'shapley'?"


def test_all_methods_come_once_and_the_usual_ones_first():
    found = check_methods("all")
    assert found[:3] == ("shapley", "critical-steps", "why-not")
    assert len(set(found)) == len(found)


def test_a_method_named_twice_is_done_once():
    assert check_methods("shapley, shapley") == ("shapley",)


def test_collecting_has_half_of_the_budget():
    request = Request(n_episodes=20, allowed=Cost(10_000, 8_000))
    assert collection_cap(request, max_steps=100) == Cost(5_000, 4_000)


def test_collecting_has_more_if_five_episodes_need_it():
    request = Request(n_episodes=20, allowed=Cost(10_000, 800))
    assert collection_cap(request, max_steps=100) == Cost(5_000, 500)
    assert collection_cap(request, max_steps=1000) == Cost(5_000, 800)


def test_a_budget_that_is_too_small_says_what_it_needs():
    error = too_few_episodes(Request(allowed=Cost(5_000_000, 300)), 1, max_steps=200)
    assert "1 of at least 5 episodes" in str(error)
    assert error.hint == "raise --env-steps to 1000"


def test_inputs_change_with_everything_that_decides_the_results(tmp_path):
    def inputs(request=Request(), spec=EnvSpec("CartPole-v1"), sha256="s"):  # noqa: B008
        return request.inputs("a", sha256, "", spec)

    names = tmp_path / "names.yaml"
    names.write_text("inputs: []")
    others = [
        inputs(Request(seed=1)),
        inputs(Request(methods=("shapley",))),
        inputs(Request(n_episodes=3)),
        inputs(Request(policy="sampled")),
        inputs(Request(allowed=Cost(1, 1))),
        inputs(Request(options={"step": 1})),
        inputs(Request(names=names)),
        inputs(spec=EnvSpec("CartPole-v1", kwargs={"a": 1})),
        inputs(spec=EnvSpec("CartPole-v1", wrappers=("m:f",))),
        inputs(spec=EnvSpec("CartPole-v1", reward_terms="m:f")),
        inputs(sha256="other"),
    ]
    assert all(other != inputs() for other in others)


def test_environment_steps_are_shared_by_the_methods_that_take_them():
    left = Cost(900, 900)
    three = ["shapley-return", "shapley", "shapley-value"]
    assert share_of(left, three) == Cost(300, 450)
    assert share_of(left, three[1:]) == Cost(450, 900)
    # a prediction is settled by asking the agent
    assert share_of(left, three[2:]) == Cost(900, 0)


def test_each_method_is_given_the_options_that_it_takes():
    options = {"episode": 3, "step": 7}
    assert options_of("why-not", options) == options
    assert options_of("critical-steps", options) == {"episode": 3}
    assert options_of("shapley", options) == {}
    with pytest.raises(InputError) as caught:
        check_options(["shapley"], {"step": 1})
    assert caught.value.hint.startswith("methods that take it: ")
    assert "why-not" in caught.value.hint


def test_the_defaults_of_the_command_are_those_of_the_library():
    given = inspect.signature(explain).parameters
    assert given["methods"].default.split(",") == list(DEFAULT_METHODS)
    assert given["budget"].default == DEFAULT_BUDGET.queries
    assert given["env_steps"].default == DEFAULT_BUDGET.env_steps
    assert collecting.DEFAULT_BUDGET == DEFAULT_BUDGET
