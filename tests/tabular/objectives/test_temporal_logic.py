"""Probabilities of formulas: by hand, against enumeration of lassos, and against simulation."""

import numpy as np
import pytest

from pellucid.errors import InputError, UnknownNameError
from pellucid.tabular import FiniteMDP, random_mdp
from pellucid.tabular.objectives import Lasso, TemporalLogic, parse, value_of
from pellucid.tabular.objectives.lassos import satisfies, trajectories
from pellucid.tabular.objectives.samples import ending_problem, policies_for

FORMULAS = (
    "a", "!a", "a & b", "a -> b", "a <-> b", "X a", "X X b", "F a", "G a", "a U b", "a R b",
    "a W b", "G F a", "F G a", "F (a & X b)", "G (a -> F b)", "a U (b U X a)", "(a U b) U (b R a)",
    "!(F G a & G F b) | X (a W b)", "X (a U G b)", "F G (a <-> X b)",
)  # fmt: skip


def loop_or_leave() -> FiniteMDP:
    """State 0: action 0 stays, action 1 leaves for state 1 (chance 1/2) or 2; both are ends."""
    transitions = np.zeros((3, 2, 3))
    transitions[0, 0, 0] = 1.0
    transitions[0, 1, 1:] = 0.5
    transitions[1, :, 1] = transitions[2, :, 2] = 1.0
    return FiniteMDP(
        transitions=transitions,
        rewards=np.zeros((3, 2)),
        initial=np.array([1.0, 0.0, 0.0]),
        discount=0.5,
    )


@pytest.mark.parametrize(
    ("text", "leaving", "expected"),
    [
        ("F one", 0.3, 0.5),  # leaves for sure, then even chances
        ("F one", 0.0, 0.0),
        ("G stay", 0.3, 0.0),
        ("G stay", 0.0, 1.0),  # jumps: this is what rewards cannot do
        ("stay & X stay & X X !stay", 0.25, 0.75 * 0.75 * 0.25),
        ("stay U one", 0.3, 0.0),  # one begins only after the step that leaves
        ("(stay | !one) U one", 0.3, 0.5),
        ("F G one", 0.3, 0.5),
        ("G F stay", 0.3, 0.0),
        ("!stay", 0.25, 0.25),
    ],
)
def test_by_hand(text: str, leaving: float, expected: float) -> None:
    mdp = loop_or_leave()
    states = np.arange(3)[:, None, None] * np.ones((1, 2, 3))
    stay = np.zeros((3, 2, 3), dtype=bool)
    stay[0, 0, 0] = True
    value = TemporalLogic(text, {"stay": stay, "one": states == 1})
    policy = np.array([[1 - leaving, leaving], [1, 0], [1, 0]])
    assert value_of(value, mdp, policy) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("text", FORMULAS)
def test_equals_the_sum_over_all_lassos(text: str) -> None:
    # two independent algorithms: splitting states, and fixed points on each trajectory
    rng = np.random.default_rng(len(text))
    for _ in range(3):
        mdp = ending_problem(rng)
        policies = policies_for(mdp, 8, rng)
        labels = {name: rng.random(mdp.dense.shape) < 0.5 for name in "ab"}
        found, chances = trajectories(mdp, policies)
        held = np.array([satisfies(lasso, parse(text), labels) for lasso in found])
        values = TemporalLogic(text, labels).values(mdp, policies)
        np.testing.assert_allclose(values, held @ chances, atol=1e-10)


def test_tiny_chances_are_not_lost() -> None:
    mdp = loop_or_leave()
    states = np.arange(3)[:, None, None] * np.ones((1, 2, 3))
    stay = np.zeros((3, 2, 3), dtype=bool)
    stay[0, 0, 0] = True
    labels = {"stay": stay, "one": states == 1}
    policy = np.array([[1.0, 1e-18], [1, 0], [1, 0]])
    for text, expected in [("F G one", 0.5), ("!X X stay", 3e-18), ("(X stay) U !stay", 1e-18)]:
        found = value_of(TemporalLogic(text, labels), mdp, policy)
        assert found == pytest.approx(expected, rel=1e-6)


def test_of_a_formula_and_its_negation_one_holds() -> None:
    rng = np.random.default_rng(5)
    mdp = random_mdp(4, 2, rng, n_successors=2, discount=0.9)
    policies = rng.dirichlet(np.ones(2), size=(20, 4))
    labels = {name: rng.random(mdp.dense.shape) < 0.5 for name in "ab"}
    for text in FORMULAS:
        one = TemporalLogic(text, labels).values(mdp, policies)
        other = TemporalLogic(f"!({text})", labels).values(mdp, policies)
        np.testing.assert_allclose(one + other, 1.0, atol=1e-10)


def test_until_in_a_chain_that_never_ends_agrees_with_simulation() -> None:
    rng = np.random.default_rng(0)
    mdp = random_mdp(4, 2, rng, n_successors=2, discount=0.9)
    policy = rng.dirichlet(np.ones(2), size=4)
    labels = {name: rng.random(mdp.dense.shape) < 0.5 for name in "abc"}
    text = "(a | X b) U (c & X a)"
    n_runs, n_steps = 3000, 60
    held = 0
    states = rng.choice(4, size=n_runs, p=mdp.initial)
    steps = np.empty((n_runs, n_steps, 3), dtype=int)
    for step in range(n_steps):
        actions = (rng.random(n_runs) > policy[states, 0]).astype(int)
        draws = rng.random(n_runs)[:, None]
        arrivals = (draws > mdp.dense[states, actions].cumsum(axis=1)).sum(axis=1)
        steps[:, step] = np.stack([states, actions, arrivals], axis=1)
        states = arrivals
    for run in steps.tolist():
        path = tuple(tuple(step) for step in run)
        held += satisfies(Lasso(path[:-1], path[-1:]), parse(text), labels)
    expected = value_of(TemporalLogic(text, labels), mdp, policy)
    assert abs(held / n_runs - expected) < 4 * np.sqrt(expected * (1 - expected) / n_runs)


def test_a_formula_that_would_fill_the_memory_is_refused() -> None:
    rng = np.random.default_rng(0)
    mdp = random_mdp(4, 2, rng, n_successors=2, discount=0.9)
    labels = {"a": rng.random(mdp.dense.shape) < 0.5}
    text = "X " * 14 + "a"
    with pytest.raises(InputError, match="at most 4096 nodes"):
        TemporalLogic(text, labels).values(mdp, np.full((1, 4, 2), 0.5))


def test_what_does_not_fit_is_refused() -> None:
    labels = {"safe": np.ones((3, 2, 3), dtype=bool)}
    with pytest.raises(UnknownNameError, match="unknown proposition 'save'") as error:
        TemporalLogic("G save", labels)
    assert "safe" in str(error.value.hint)
    with pytest.raises(
        InputError, match=r"label 'safe' to have shape \(3, 2, 3\), got \(2, 2, 2\)"
    ):
        TemporalLogic("G safe", {"safe": np.ones((2, 2, 2), dtype=bool)}).values(
            loop_or_leave(), np.full((1, 3, 2), 0.5)
        )
    with pytest.raises(InputError, match="a cycle of at least one transition"):
        Lasso(((0, 0, 0),), ())
