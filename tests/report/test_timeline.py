"""Episodes step by step: which are shown, which steps are worth a look, what is said of each."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pellucid.explanation import Summary
from pellucid.report.document import build_document
from pellucid.report.moments import MOST_EPISODES, MOST_MOMENTS, key_moments
from pellucid.report.record import EpisodeSteps
from pellucid.report.timeline import MOST_STEPS, kept_steps, shown_episodes
from tests.report import lunar
from tests.report.steps import seen_record, steps_of

PROBABILITIES = np.array([[0.7, 0.1, 0.1, 0.1], [0.1, 0.45, 0.4, 0.05], [0.1, 0.1, 0.7, 0.1]])
CLOSE = (0.45, 0.4, 0.1, 0.05)
VALUES = np.array([5.0, 2.0, 3.0])


def made(position: int = 0, **more: Any) -> Any:
    """Return the document's entry of one episode of a run with the given parts."""
    return build_document(seen_record(**more))["timeline"]["episodes"][position]


def test_the_worst_comes_first_then_best_median_explained_and_highlighted() -> None:
    record = lunar.lunar_record(collected=lunar.episodes([10.0, 30.0, 20.0, 40.0]), explanations=())
    assert shown_episodes(record) == [(0, "worst"), (3, "best"), (2, "median")]
    moments = Summary(np.array([[1, 3], [0, 9]]), np.array([1.0, 0.5]), "spread")
    asked = (lunar.critical(), replace(lunar.supported(), content=moments))
    collected = lunar.episodes([10.0, 30.0, 20.0, 40.0, 25.0])
    record = lunar.lunar_record(collected=collected, explanations=asked)
    # the stretches are those of episode 2, which is none of the three
    assert shown_episodes(record) == [
        (0, "worst"), (3, "best"), (4, "median"), (2, "explained"), (1, "highlighted"),
    ]  # fmt: skip
    many = Summary(np.column_stack((np.arange(20), np.arange(20))), np.ones(20), "spread")
    record = lunar.lunar_record(explanations=(replace(lunar.supported(), content=many),))
    assert len(shown_episodes(record)) == MOST_EPISODES


def test_one_episode_has_a_role_of_its_own_and_none_has_no_timeline() -> None:
    assert shown_episodes(lunar.lunar_record(collected=lunar.episodes([1.0]))) == [(0, "only")]
    nothing = replace(lunar.episodes(), attempted=())
    assert shown_episodes(lunar.lunar_record(collected=nothing)) == []


def test_moments_are_those_that_answers_name_both_ends_the_fall_and_the_closest_call() -> None:
    steps = EpisodeSteps(PROBABILITIES, "probability", VALUES)
    found = {m.step: m.why for m in key_moments(3, 0, steps)}
    assert found[0] == "first step, predicted return falls most"
    assert found[1] == "closest call"
    assert found[2] == "last step"
    asked = (lunar.critical(), lunar.weak())
    named = {m.step: m.why for m in key_moments(180, 2, None, asked)}
    content = lunar.segments()
    start, stop = content.starts[content.chosen], content.stops[content.chosen]
    assert named[int(start)] == "decisive stretch begins"
    assert named[int(stop) - 1] == "and ends"
    other = {m.why for m in key_moments(180, 4, None, asked)}
    assert "asked about" in other
    assert "decisive stretch begins" not in other


def test_there_are_at_most_twelve_moments_and_gaps_are_filled_evenly() -> None:
    moments = Summary(
        np.column_stack((np.zeros(30, int), np.arange(30) * 5)), np.ones(30), "spread"
    )
    many = key_moments(180, 0, None, (replace(lunar.supported(), content=moments),))
    assert len(many) == MOST_MOMENTS
    assert {0, 179} <= {m.step for m in many}
    few = key_moments(101, 0)
    assert [m.step for m in few][0::7] == [0, 100]
    assert sum(not m.why for m in few) == 6
    assert [m.step for m in key_moments(1, 0)] == [0]
    assert key_moments(0, 0) == []


def test_a_failed_answer_marks_no_decisive_stretch() -> None:
    failed = replace(lunar.critical(), badge="failed")
    assert all("decisive" not in m.why for m in key_moments(180, 2, None, (failed,)))


@pytest.mark.parametrize(
    ("row", "action", "text"),
    [
        ((0.72, 0.2, 0.05, 0.03), 0, "It chose do nothing, 72 %."),
        (
            (0.45, 0.4, 0.1, 0.05),
            0,
            "Close call: it chose do nothing, 45 %, over left engine, 40 %.",
        ),
        (
            (0.45, 0.4, 0.1, 0.05),
            1,
            "Close call: it chose left engine, 40 %, over do nothing, 45 %.",
        ),
    ],
)
def test_a_step_is_told_in_one_sentence(row: Any, action: int, text: str) -> None:
    first = lunar.episode(0)
    actions = first.actions.copy()
    actions[0] = action
    collected = replace(lunar.episodes([1.0]), attempted=(replace(first, actions=actions),))
    shown = np.tile(row, (len(first), 1))
    record = lunar.lunar_record(
        collected=collected, steps={0: EpisodeSteps(shown, "probability", np.empty(0))}
    )
    entry = build_document(record)["timeline"]["episodes"][0]["board"][0]
    assert entry["text"] == text
    sampled = replace(record, episodes=replace(record.episodes, policy="sampled"))
    drawn = build_document(sampled)["timeline"]["episodes"][0]["board"][0]["text"]
    assert drawn == text.replace("chose", "drew")


def test_q_values_and_continuous_actions_are_told_in_their_own_way() -> None:
    first = lunar.episode(0)
    q = EpisodeSteps(np.tile([3.25, 1.0, 0.0, -1.0], (len(first), 1)), "Q-value", np.empty(0))
    collected = replace(
        lunar.episodes([1.0]),
        attempted=(replace(first, actions=np.zeros(len(first), np.int64)),),
    )
    record = lunar.lunar_record(collected=collected, steps={0: q})
    entry = build_document(record)["timeline"]["episodes"][0]
    assert entry["board"][0]["text"] == "It chose do nothing, valued at 3.25."
    moves = np.column_stack((np.full(len(first), 0.25), np.full(len(first), -1.0)))
    mean = EpisodeSteps(moves, "mean action", np.empty(0), 0.1 * np.ones_like(moves),
                        np.array([[-1.0, -1.0], [1.0, 1.0]]))  # fmt: skip
    names = replace(lunar.NAMES, actions=("push", "turn"))
    collected = replace(
        lunar.episodes([1.0]), attempted=(replace(first, actions=moves),), names=names
    )
    record = lunar.lunar_record(collected=collected, steps={0: mean}, explanations=())
    entry = build_document(record)["timeline"]["episodes"][0]
    assert entry["board"][0]["text"] == "It chose push 0.25, turn -1."
    assert entry["outputs"] == ["push", "turn"]
    assert (entry["actions"], entry["taken_output"]) == ([], [])


def test_a_question_why_not_is_answered_at_its_step() -> None:
    record = seen_record()
    content: Any = lunar.weak().content
    episode = next(
        e for e in build_document(record)["timeline"]["episodes"]
        if e["position"] == content.episode
    )  # fmt: skip
    (asked,) = [b for b in episode["board"] if b["step"] == content.step]
    assert asked["why_not"] == 2
    assert sum(b["why_not"] is not None for b in episode["board"]) == 1


def test_what_moved_a_choice_comes_largest_first_and_only_where_it_was_explained() -> None:
    record = seen_record()
    content = lunar.attribution()
    episode = build_document(record)["timeline"]["episodes"][0]
    effects = episode["effects"]
    states = np.flatnonzero(content.steps[:, 0] == episode["position"])
    assert effects["steps"] == content.steps[states, 1].tolist()
    row = content.chosen_values[states[0]]
    order = np.argsort(-np.abs(row))[:5]
    assert effects["inputs"][0] == order.tolist()
    assert effects["values"][0] == row[order].tolist()
    assert made(explanations=(lunar.failed(),))["effects"] is None


def test_the_storyboard_shows_frames_at_or_before_its_step_and_says_which() -> None:
    episode = made()
    steps = episode["frames"]["steps"]
    for entry in episode["board"]:
        assert entry["frame_step"] == max(s for s in steps if s <= entry["step"])
        assert entry["frame_step"] == steps[entry["frame"]]
    assert made(with_frames=False)["board"][0]["frame"] is None


def test_alternative_texts_state_the_facts_of_their_step() -> None:
    record = seen_record()
    episode = made()
    stored = record.episodes.used[episode["position"]]
    entry = episode["board"][3]
    action = lunar.ACTIONS[int(stored.actions[entry["step"]])]
    start = f"Step {entry['step']} of {len(stored)}: {action}, horizontal position"
    assert entry["alt"].startswith(start)


def test_inputs_are_those_that_matter_and_gaps_stay_gaps() -> None:
    first = lunar.episode(0)
    observations = first.observations.copy()
    observations[10, 0] = np.nan
    collected = replace(
        lunar.episodes([1.0]), attempted=(replace(first, observations=observations),)
    )
    episode = made(collected=collected, with_frames=False)
    assert episode["inputs"][0]["name"] == "horizontal position"
    assert episode["inputs"][0]["values"][10] is None
    assert len(episode["inputs"]) == 5


def test_long_episodes_are_sampled_with_their_key_moments_and_keep_their_extremes() -> None:
    first = lunar.episode(0, steps=5000)
    rewards = first.rewards.copy()
    rewards[1234] = 1e6
    collected = replace(lunar.episodes([1.0]), attempted=(replace(first, rewards=rewards),))
    episode = made(collected=collected, with_frames=False, explanations=())
    assert episode["n_steps"] == 5000
    assert MOST_STEPS // 2 < episode["n_kept"] <= MOST_STEPS + MOST_MOMENTS
    assert {m["step"] for m in episode["moments"]} <= set(episode["steps"])
    assert max(episode["envelope"]["rewards"][1]) == 1e6
    assert len(episode["table"]) <= 60
    assert kept_steps(7, []).tolist() == list(range(7))


def test_terms_of_the_reward_are_kept_per_step() -> None:
    first = lunar.episode(0)
    terms = {"fuel": -np.ones(len(first)), "goal": first.rewards + 1}
    collected = replace(lunar.episodes([1.0]), attempted=(replace(first, terms=terms),))
    episode = made(collected=collected, explanations=())
    added = np.array(episode["terms"][0]["values"]) + episode["terms"][1]["values"]
    assert added == pytest.approx(episode["rewards"])


def test_one_step_is_a_sentence_and_has_no_axis() -> None:
    collected = replace(lunar.episodes([1.0]), attempted=(lunar.episode(0, steps=1, total=1.0),))
    episode = made(collected=collected, explanations=())
    assert episode["n_steps"] == 1
    assert episode["text"] == "1 point in 1 step; it ended by itself."
    assert [b["step"] for b in episode["board"]] == [0]


def test_steps_are_made_by_hand_for_every_shown_episode() -> None:
    record = seen_record()
    assert set(record.steps) == {p for p, _ in shown_episodes(record)}
    rows = steps_of(record.episodes.used[0]).preferences
    assert rows.sum(axis=1) == pytest.approx(np.ones(len(rows)))
