"""The experiment on self-explanations: wrong answers are wrong, and every check can fail."""

from dataclasses import replace

import pytest

from pellucid.posttrain.tasks.machines import path_in
from pellucid.systems import self_explanation, self_explanation_checks
from pellucid.systems.base_models import SMOKE
from pellucid.systems.self_explanation import (
    METHODS,
    hard_walks,
    learned,
    lemma_holds,
    wrong_answer,
)


def test_wrong_answers_are_wrong_at_every_step_and_always_the_same() -> None:
    walks, held_out = hard_walks(replace(SMOKE, n_train=30, n_test=5), 0)
    assert len(walks) == 30
    assert len(held_out) == 5
    for walk in walks:
        wrong = wrong_answer(walk)
        assert wrong == wrong_answer(walk)
        assert not any(a == b for a, b in zip(wrong.split(), walk.answer.split(), strict=True))


def test_training_and_held_out_walks_are_different() -> None:
    walks, held_out = hard_walks(replace(SMOKE, n_train=30, n_test=20), 0)
    assert not {walk.prompt for walk in walks} & {walk.prompt for walk in held_out}


def test_explanations_are_asked_for_kept_and_ended_by_the_answer() -> None:
    (walk, *_), _ = hard_walks(SMOKE, 0)
    method = METHODS["beta 0.04"]
    assert all(value in method.explain_prompt(walk).split() for value in walk.answer.split())
    tail = method.answer_tail(walk)
    assert path_in(tail) == walk.answer
    assert method.keep(walk, tail)
    assert not method.keep(walk, "path 1")


@pytest.mark.parametrize("arm", ["base", *METHODS])
def test_every_arm_gives_shares(arm: str) -> None:
    found = learned(arm, SMOKE, 0)
    assert 0 <= found.first <= found.fourth <= 1


def test_the_lemma_fails_for_another_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lemma_holds(50, 6, seed=1)
    honest = self_explanation.stream

    class Reversed:
        """Draws priors whose answers are least likely where they weigh most."""

        def __init__(self, *path: object) -> None:
            self._rng = honest(0)

        def dirichlet(self, weights: list[float], n: int) -> object:
            return -self._rng.dirichlet(weights, n) + 0.5

        def random(self, shape: tuple[int, int]) -> object:
            return self._rng.random(shape)

    monkeypatch.setattr(self_explanation, "stream", Reversed)
    assert not lemma_holds(50, 6, seed=1)


def test_a_prompt_that_leaks_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = self_explanation_checks._explanations

    def leaking(*args: object) -> list[object]:
        found = honest(*args)  # type: ignore[arg-type]
        return [replace(response, scored_prompt=response.prompt) for response in found]

    monkeypatch.setattr(self_explanation_checks, "_explanations", leaking)
    cases = self_explanation_checks.checks(0)
    assert not cases["no prompt that is scored says a value of the answer"]
