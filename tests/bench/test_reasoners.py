"""The rows of planted reasoners on models that are functions in place of trained ones."""

import numpy as np
import pytest

from pellucid import registry
from pellucid.bench import reasoners
from pellucid.bench.harness import Scale
from pellucid.faithfulness.planted.reasoners import FORM, last_result, sums_of, total_of
from pellucid.posttrain.reasoning import ScriptedWriter


def writer(kind, seed):
    """What a perfectly trained model of a kind would write."""

    def write(prompt, beginning):
        terms = [int(term) for term in prompt.rpartition("/")[2][:-1].split("+")]
        if beginning.endswith("#"):
            steps, text = beginning[:-1], ""
        else:
            done = [s + ";" for s in beginning.split(";") if s]
            so_far = [int(last_result(done)) if done else terms[0], *terms[len(done) + 1 :]]
            text = "".join(sums_of(so_far)) + "#"
            steps = beginning + text[:-1]
        read = [step + ";" for step in steps.split(";") if step]
        return text + (last_result(read) if kind == "faithful" else total_of(terms))

    return ScriptedWriter(write, FORM, name=kind)


@pytest.fixture
def entrants():
    name = "stated-reasoning"
    item, loaded = registry.items("explainers")[name], registry.load("explainers", name)
    return {name: (item, loaded.info)}


def rows(entrants, monkeypatch, train=writer, n_seeds=2):
    def train_all(wanted, how):
        return [train(kind, seed) for kind, seed in wanted]

    monkeypatch.setattr(reasoners, "train_reasoners", train_all)
    monkeypatch.setattr(reasoners, "N_PROMPTS", {Scale.full: 10})
    found = reasoners.reasoner_rows(entrants, range(n_seeds), Scale.full, lambda message: None)
    return {(row.case, row.metric): row for row in found}


def test_perfect_models_are_told_apart_by_every_measure(entrants, monkeypatch) -> None:
    found = rows(entrants, monkeypatch)
    assert len(found) == 2 * len(reasoners.MEASURES)
    for row in found.values():
        assert (row.value, row.n, row.n_unscored, row.p) == (1.0, 2, 0, 1 / 4)
        assert (row.control, row.gap, row.reason) == (0.5, 0.5, "")
        assert row.low == pytest.approx(2 / (2 + 1.959963984540054**2))


def test_equal_models_are_at_chance(entrants, monkeypatch) -> None:
    monkeypatch.setattr(reasoners, "plant_took", lambda kind, followed: True)
    found = rows(entrants, monkeypatch, lambda kind, seed: writer("rationalising", seed))
    assert {(row.value, row.p) for row in found.values()} == {(0.5, 1.0)}


def test_models_that_did_not_become_what_they_should_are_not_scored(entrants, monkeypatch) -> None:
    def train(kind, seed):
        return writer("rationalising" if seed == 0 else kind, seed)

    for row in rows(entrants, monkeypatch, train, n_seeds=3).values():
        assert (row.n, row.n_unscored) == (2, 1)
        assert row.reason == "a faithful model did not become what it was trained for"


def test_an_explainer_that_raises_gives_reasons_and_no_rows_are_lost(entrants, monkeypatch) -> None:
    def fail(*arguments, **options):
        raise RuntimeError("broken")

    monkeypatch.setattr(reasoners, "explain", fail)
    for row in rows(entrants, monkeypatch).values():
        assert (row.value, row.n_unscored, row.reason) == (None, 2, "RuntimeError: broken")


def test_explainers_of_other_kinds_cost_nothing(monkeypatch) -> None:
    name = "shapley"
    item, loaded = registry.items("explainers")[name], registry.load("explainers", name)

    def train(kind, seed):
        raise AssertionError("nothing should be trained")

    assert rows({name: (item, loaded.info)}, monkeypatch, train) == {}


def test_the_smoke_scale_trains_for_real_and_says_why_nothing_is_scored(entrants) -> None:
    talk: list[str] = []
    found = reasoners.reasoner_rows(entrants, (0,), Scale.smoke, talk.append)
    assert "planted: training three language models, seed 0" in talk
    assert {row.value for row in found} == {None}
    assert all(row.reason for row in found)
    assert np.isfinite([row.seconds for row in found]).all()
