"""The experiment on self-explanations: wrong answers are wrong, and every check can fail."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from pellucid.posttrain.tasks.machines import path_in
from pellucid.systems import self_explanation, self_explanation_checks
from pellucid.systems.base_models import SMOKE
from pellucid.systems.self_explanation import (
    LEVELS,
    METHODS,
    easier_walks,
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
    assert found.by_level[-1] == found.first
    assert len(found.by_level) == len(LEVELS)


@pytest.mark.parametrize("level", LEVELS)
def test_walks_of_a_level_have_as_many_doubted_machines(level: int) -> None:
    walks = easier_walks(level, replace(SMOKE, n_test=20), 0)
    assert {walk.difficulty for walk in walks} == {float(level)}


def test_walks_that_are_never_explained_soundly_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    walks, _ = hard_walks(SMOKE, 0)
    world = self_explanation.machines(0)
    right = [(walk.rationale or "").partition(" path")[0] for walk in walks]
    assert all(
        world.sound(f"{text} path {walk.answer}", walk)
        for text, walk in zip(right, walks, strict=True)
    )

    def answers(model, base, posed, verify, *, n_samples, **rest):  # type: ignore[no-untyped-def]
        first = [right[1]] * n_samples
        second = [right[0], *[right[1]] * (n_samples - 1)]
        return [replace_completions(texts) for texts in (first, second)]

    def replace_completions(texts: list[str]) -> SimpleNamespace:
        return SimpleNamespace(completions=texts)

    monkeypatch.setattr(self_explanation, "answers_of", answers)
    found = self_explanation.properties.__wrapped__(SMOKE, 0)
    assert found["kept"] == 0.5
    assert found["explained nll"] == found["expert nll"]


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
