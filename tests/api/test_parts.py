"""Observations and actions with parts, from loading to a tested explanation."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.budget import Cost
from pellucid.envs.fitting import ROWS
from pellucid.rollouts import load_episodes, save_episodes
from tests.agents import parts

BEST = parts.N_STEPS * 1.0
FORMS = {
    "dict": (parts.crossing_dict, parts.drive_dict, BEST),
    "tuple": (parts.crossing_tuple, parts.drive_tuple, BEST),
    "levers": (parts.crossing_levers, parts.drive_levers, 1.5 * BEST),
    "switches": (parts.crossing_switches, parts.drive_switches, BEST),
}
BUDGET = Cost(60_000, 20_000)


def collected(form: str, n_episodes: int = 6) -> tuple[Any, Any]:
    env, drive, _ = FORMS[form]
    name = f"{env.__module__}:{env.__name__}"
    agent = pl.load_agent(f"{drive.__module__}:{drive.__name__}", env=name)
    return agent, pl.collect(agent, name, n_episodes=n_episodes, seed=0)


@pytest.mark.parametrize("form", list(FORMS))
def test_parts_reach_agent_and_environment_as_they_are(form: str, tmp_path: Path) -> None:
    agent, episodes = collected(form)
    assert episodes.spec.wrappers == (ROWS,)
    np.testing.assert_allclose(episodes.returns, FORMS[form][2], atol=1e-5)
    save_episodes(episodes, tmp_path)
    again = load_episodes(tmp_path)
    seen = agent.observation_space
    for one, other in zip(episodes.used, again.used, strict=True):
        np.testing.assert_array_equal(one.observations, other.observations)
        np.testing.assert_array_equal(one.actions, other.actions)
        scene = seen.element(other.observations[3])
        assert isinstance(scene["word"], str)
        assert scene["picture"].dtype == np.uint8
    assert "light" in episodes.names.inputs
    assert "length of word" in episodes.names.inputs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "outputs"),
    [
        ("dict", ("lever: 0", "lever: 1", "lever: 2", "push[0]", "the action as a whole")),
        ("switches", ("action 0 (unnamed): off",)),
    ],
)
def test_what_matters_to_an_action_with_parts_is_found(form: str, outputs: Any) -> None:
    agent, episodes = collected(form, n_episodes=20)
    budget = Cost(200_000, 20_000)
    result = pl.explain(agent, episodes, method="perturbation", budget=budget, seed=0)
    content: Any = result.content
    assert content.output_names[: len(outputs)] == outputs
    named = [content.input_names[i] for i in content.ranking]
    assert named[0] == "light"
    if form == "dict":
        assert named[1] == "speed[0]"
    # the word and the picture never change an action
    assert not content.importance[content.ranking[2 if form == "dict" else 1 :]].any()
    assert result.badge == "supported"
    assert "light drives its choices" in result.text


@pytest.mark.parametrize("form", list(FORMS))
def test_why_not_another_action_is_answered(form: str) -> None:
    agent, episodes = collected(form)
    result = pl.explain(
        agent, episodes, method="why-not", budget=BUDGET, seed=0, options={"episode": 0, "step": 4}
    )
    content: Any = result.content
    own, foil = content.actions
    changed = own != foil
    # one choice changes and nothing else; without probabilities it is the first one
    assert changed.sum() == 1
    assert changed[0]
    lost = float((content.returns[0] - content.returns[1]).mean())
    # a wrong lever costs its point; a switch too many half of one
    wrong_switch = form == "switches" and foil[0] == 1
    assert lost == pytest.approx(0.5 if wrong_switch else 1.0, abs=1e-5)
    if form == "dict":
        assert content.arms == (f"lever: {int(own[0])}", f"lever: {int(foil[0])}")
    assert result.badge == "supported"


@pytest.mark.parametrize("form", ["dict", "levers"])
def test_moments_that_decide_are_told(form: str) -> None:
    agent, episodes = collected(form)
    result = pl.explain(agent, episodes, method="critical-steps", budget=BUDGET, seed=0)
    content: Any = result.content
    # every step counts alike: a random lever is wrong in two of three cases
    assert content.drops.mean() > 0.5


@pytest.mark.parametrize("form", ["dict", "tuple", "levers", "switches"])
def test_the_light_is_what_has_to_change_for_another_lever(form: str) -> None:
    agent, episodes = collected(form, n_episodes=6)
    result = pl.explain(agent, episodes, method="changed-state", budget=BUDGET, seed=0)
    content: Any = result.content
    assert content.found.all()
    assert result.faithfulness[0].interval.value == 100.0
    light = content.input_names.index("light")
    assert content.swapped[content.shown].nonzero()[0].tolist() == [light]
    assert result.text.startswith(f"Had light been {content.changed[content.shown, light]:g} in")


@pytest.mark.parametrize(
    ("form", "method", "told"),
    [
        ("levers", "sarfa", "neither probabilities nor Q-values of several actions"),
        ("levers", "viper-tree", "MultiDiscrete with [3, 2] values is not defined"),
        ("dict", "viper-tree", "actions of type Dict of lever: Discrete with 3 values"),
        ("dict", "integrated-gradients", "shows no gradients"),
    ],
)
def test_a_method_that_has_no_meaning_for_parts_says_so(form: str, method: str, told: str) -> None:
    agent, episodes = collected(form, n_episodes=2)
    result = pl.explain(agent, episodes, method=method, budget=BUDGET)
    assert result.badge == "not_measured"
    assert told in result.text


def test_a_function_that_forgets_a_part_is_named() -> None:
    name = "tests.agents.parts:crossing_dict"
    agent = pl.load_agent(lambda scene: {"lever": scene["light"] - 5}, env=name, name="half")
    episodes = pl.collect(agent, name, n_episodes=1, seed=0)
    failure = episodes.excluded[0].failure
    assert failure is not None
    assert failure.kind == "agent"
    assert "half returned an action that is no Dict" in failure.message
    assert "2 parts" in failure.message
