"""The planted-truth board on explainers whose outcome is known, all of them plug-ins."""

import numpy as np
import pytest

from pellucid import registry
from pellucid.bench import planted, standing
from pellucid.bench.boards import document
from pellucid.bench.harness import Scale
from pellucid.faithfulness.planted import moments
from pellucid.faithfulness.reasoning_calibration import CASES

ENTRANTS = """
import numpy as np
from pellucid.budget import Cost
from pellucid.errors import CapabilityError
from pellucid.explanation import Finding, Segments, Sentences, explainer

WORDS = Sentences(*["words"] * 6)


def entrant(name, choose):
    @explainer(name, leaf="C1", kind=Segments, decisive="step_drop", source="Toy 2026",
               question="Which moments?", sentences=WORDS)
    class Entrant:
        def plan(self, task):
            return Cost()

        def explain(self, task):
            start = choose(task.episodes[0].observations)
            nothing = np.zeros(1)
            content = Segments(0, 40, np.array([start]), np.array([start + 4]), nothing, nothing,
                               0, 0)
            return Finding("Which moments?", content, {})

    return Entrant


def refuse(observations):
    raise CapabilityError("it needs gradients")


# the second input is 1 where the key is: both look at it, and one names another stretch
Right = entrant("toy-right", lambda obs: int(obs[:, 1].argmax()))
Wrong = entrant("toy-wrong", lambda obs: (int(obs[:, 1].argmax()) + 8) % 36)
Unable = entrant("toy-unable", refuse)
Broken = entrant("toy-broken", lambda obs: None)
"""


@pytest.fixture
def entrants(write_plugin, monkeypatch):
    """Four plug-ins in place of all explainers, and the tasks that they apply to."""
    names = ("Right", "Wrong", "Unable", "Broken")
    points = {f"toy-{name.lower()}": f"toy_entrants:{name}" for name in names}
    write_plugin("toy-entrants", {"toy_entrants": ENTRANTS}, {"pellucid.explainers": points})
    monkeypatch.setattr(registry, "FAMILIES", {**registry.FAMILIES, "explainers": ()})
    monkeypatch.setattr(planted, "TASKS", moments.TASKS)


@pytest.fixture
def rows(entrants):
    """The full board of the four."""
    return planted.run(Scale.full, lambda message: None)


def test_who_is_right_passes_who_is_wrong_fails_and_who_cannot_is_not_measured(rows):
    by_method = {
        name: [row for row in rows if row.method == f"toy-{name}"]
        for name in ("right", "wrong", "unable")
    }
    # both tasks of their kind, and not the one for summaries
    assert [[row.case for row in found] for found in by_method.values()] == [
        ["one-key", "key-and-slips"]
    ] * 3
    assert {row.passed for row in by_method["right"]} == {True}
    assert {(row.value, row.n, row.p) for row in by_method["right"]} == {(1.0, 12, 1 / 4096)}
    # four rows were measured; equal p-values stay equal
    assert {row.p_holm for row in by_method["right"]} == {4 / 4096}
    assert {row.passed for row in by_method["wrong"]} == {False}
    assert {(row.passed, row.value, row.n_unscored) for row in by_method["unable"]} == {
        (None, None, 12)
    }
    assert "it needs gradients" in by_method["unable"][0].reason
    assert {row.source for row in rows} == {"toy-entrants"}


def test_one_that_raises_or_returns_nonsense_stops_nobody(rows):
    broken = [row for row in rows if row.method == "toy-broken"]
    assert {(row.passed, row.value, row.n_unscored) for row in broken} == {(None, None, 12)}
    assert "TypeError" in broken[0].reason


def test_the_control_names_random_stretches_on_the_same_draws(rows):
    controls = [row.control for row in rows if row.control is not None]
    # four of the 37 stretches of four steps hold a step away from the ends
    np.testing.assert_allclose(controls, 4 / 37, atol=0.04)


def test_who_fails_is_listed_as_failing(rows):
    found = standing.told(document(rows, Scale.full)["rows"])
    assert {entry["method"]: (entry["standing"], entry["failed"]) for entry in found} == {
        "toy-right": ("passed", []),
        "toy-wrong": ("failed", ["one-key/hit", "key-and-slips/hit"]),
        "toy-unable": ("not_measured", []),
        "toy-broken": ("not_measured", []),
    }
    unmeasured = {entry["method"]: entry["unmeasured"] for entry in found}
    assert unmeasured == {
        "toy-right": [],
        "toy-wrong": [],
        "toy-unable": ["one-key/hit", "key-and-slips/hit"],
        "toy-broken": ["one-key/hit", "key-and-slips/hit"],
    }
    assert {entry["code"] for entry in found} == {None}


@pytest.mark.usefixtures("entrants")
def test_smoke_runs_every_task_twice_and_passes_nothing():
    talk = []
    rows = planted.run(Scale.smoke, talk.append)
    assert len(rows) == 8
    assert {(row.passed, row.p_holm) for row in rows} == {(None, None)}
    assert {row.n + row.n_unscored for row in rows} == {2}
    assert "planted: toy-wrong on one-key, seed 1" in talk


def test_seeds_of_the_full_board_are_fixed_and_enough_to_pass_a_hundred_rows():
    seeds = planted.SEEDS[Scale.full]
    assert len(set(seeds)) == len(seeds)
    assert max(seeds) < 1000
    assert 100 * 2.0 ** -len(seeds) <= 0.05


@pytest.mark.slow
def test_every_explainer_of_ours_with_a_task_is_measured():
    rows = planted.run(Scale.smoke, lambda message: None)
    assert {"shapley", "critical-steps", "why-not", "viper-tree", "reward-cliff"} <= {
        row.method for row in rows
    }
    assert [row for row in rows if row.value is None and not row.reason] == []
    # language models become nothing in the two steps that they are trained for at this scale
    scored = {row.method for row in rows if row.value is not None}
    assert {row.method for row in rows if row.case not in CASES} <= scored
    assert {row.method for row in rows if row.case in CASES} == {"stated-reasoning"}
