import pytest

from pellucid.api import planning
from pellucid.api.locating import Located, locate
from pellucid.api.planning import plan_all
from pellucid.api.run_folder import read_run
from pellucid.budget import Cost
from pellucid.errors import BudgetError, InputError, UnknownNameError
from tests.cli import runs, toy

ASKED = {
    "methods": "shapley,why-not",
    "n_episodes": 10,
    "seed": 0,
    "budget": 10_000,
    "env_steps": 10_000,
    "policy": "greedy",
    "episode": None,
    "step": None,
    "names": None,
}


def plan(**changes):
    return plan_all(toy.network(), runs.ENV, **(ASKED | changes))


def test_collecting_costs_at_most_every_step_of_every_episode():
    episodes, why_not, shapley = plan().parts
    assert (episodes.name, episodes.most) == ("episodes", Cost(80, 80))
    assert episodes.expected is None
    assert (shapley.name, shapley.most) == ("shapley", Cost(4960, 4960))
    assert (why_not.name, why_not.most) == ("why-not", Cost(4960, 4960))


def test_what_the_agents_card_records_is_expected(monkeypatch):
    def with_record(*args, **kwargs):
        found = locate(*args, **kwargs)
        return Located(found.agent, found.spec, found.facts, expected_steps=6.5)

    monkeypatch.setattr(planning, "locate", with_record)
    episodes = plan().parts[0]
    assert (episodes.most, episodes.expected) == (Cost(80, 80), Cost(65, 65))
    assert "about 6 each" in episodes.note


def test_what_the_budget_leaves_out_is_said():
    made = plan(env_steps=100)
    # half of the budget: six episodes of eight steps
    assert made.parts[0].most == Cost(50, 50)
    assert made.left_out[0].startswith("Episodes of 8 steps would stop after 6 of 10")


def test_what_is_stored_costs_nothing_more(finished):
    made = plan(out=finished)
    assert {part.note for part in made.parts} == {"stored already"}
    used = {part.name: part.most for part in made.parts}
    parts = read_run(finished).parts
    assert used["episodes"] == parts["episodes"].used
    assert used["why-not"] == parts["explanations/why-not"].used


def test_stored_episodes_allow_a_plan_of_each_method(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        runs.small_run(tmp_path / "run", progress=runs.stop_at("why-not"))
    episodes, why_not, shapley = plan(out=tmp_path / "run").parts
    assert episodes.note == "stored already"
    for part in (shapley, why_not):
        assert part.expected is not None
        assert Cost() != part.expected
        assert part.expected.fits(part.most)


def test_a_method_that_cannot_be_paid_is_left_out(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        runs.tiny_run(tmp_path / "run", progress=runs.stop_at("shapley"), budget=200)
    tiny = {**runs.TINY, "budget": 200, "methods": ["shapley"]}
    made = plan(out=tmp_path / "run", **tiny)
    assert made.parts[1].note == "cannot be made"
    assert made.left_out[-1].startswith("shapley: ")


def test_fresh_plans_from_the_start(finished):
    assert plan(out=finished, fresh=True).parts == plan().parts


def test_changed_inputs_are_refused(finished):
    with pytest.raises(InputError, match="other inputs: seed"):
        plan(out=finished, seed=1)


@pytest.mark.parametrize(
    ("change", "error"),
    [({"methods": "shaply"}, UnknownNameError), ({"budget": 1}, BudgetError)],
)
def test_mistakes_are_those_of_the_run(change, error):
    with pytest.raises(error):
        plan(**change)


def test_the_agent_is_not_run(monkeypatch):
    agent = toy.network()
    calls = []
    agent.register_forward_hook(lambda *a: calls.append(1))
    made = plan_all(agent, runs.ENV, **ASKED)
    n_loading = len(calls)
    locate(agent, runs.ENV)
    assert len(calls) == 2 * n_loading  # planning did no more than loading does
    assert len(made.parts) == 3


def test_the_document_is_plain():
    document = plan().document()
    assert document["dry_run"] is True
    assert document["parts"][0] == {
        "name": "episodes",
        "queries": 80,
        "env_steps": 80,
        "gradient_steps": 0,
        "expected": None,
        "note": "10 episodes of at most 8 steps",
    }
