"""Run records made by hand, in the shape of a LunarLander run; no agent and no simulator."""

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from pellucid.budget import Cost
from pellucid.envs.names import Names
from pellucid.envs.spec import EnvSpec
from pellucid.explanation import (
    Attribution,
    Control,
    Curve,
    Explanation,
    Fact,
    Futures,
    Interval,
    Score,
    Segments,
    fact,
    not_measured,
    render,
)
from pellucid.report.record import AgentFacts, EpisodeFrames, RunRecord
from pellucid.rollouts.episodes import Episode, Episodes, Failure
from pellucid.stats import mean_interval, paired_gap

INPUTS = (
    "horizontal position",
    "vertical position",
    "horizontal velocity",
    "vertical velocity",
    "angle",
    "angular velocity",
    "left leg contact",
    "right leg contact",
)
UNITS = ("screen widths", "screen heights", "m/s", "m/s", "rad", "rad/s", "", "")
ACTIONS = ("do nothing", "left engine", "main engine", "right engine")
NAMES = Names(INPUTS, UNITS, ACTIONS, ("",) * 4, "points", "table")
SPEC = EnvSpec("LunarLander-v3", {"gravity": -10.0}, (), 1000)
ALLOWED = Cost(40_000, 300_000)
AGENT = AgentFacts(
    name="ppo.zip",
    framework="stable-baselines3 PPO",
    sha256="3b7e0c9a5d2f4461b8a7c0e1f9d2a6b45c8e7f10a2b3c4d5e6f708192a3b4c5d",
    observation_space="Box([-2.5 -2.5 -10. -10. -6.28], [2.5 2.5 10. 10. 6.28], (8,), float32)",
    action_space="Discrete(4)",
    capabilities=("distribution", "gradients", "latent", "layers", "sampling", "value"),
    n_parameters=9733,
    recorded=Interval(254.1, 241.9, 266.3, 100),
    recorded_source="evaluations.npz",
)


def episode(index: int, *, steps: int = 180, total: float = 250.0) -> Episode:
    """A descent from the top to the pad, with some sway."""
    rng = np.random.default_rng([7, index])
    time = np.linspace(0.0, 1.0, steps + 1)
    sway = rng.normal(0.0, 0.5) * (1 - time) ** 1.5 * np.cos(5 * time + rng.uniform(0, 3))
    height = 1.4 * (1 - time) ** 1.3
    observations = np.zeros((steps + 1, 8), np.float32)
    observations[:, 0], observations[:, 1] = sway, height
    observations[1:, 2], observations[1:, 3] = np.diff(sway) * 50, np.diff(height) * 50
    observations[:, 4] = -0.4 * sway + rng.normal(0, 0.01, steps + 1)
    observations[-5:, 6:] = 1.0
    actions = rng.choice(4, size=steps, p=(0.42, 0.17, 0.27, 0.14)).astype(np.int64)
    shape = rng.normal(0.3, 1.2, steps)
    shape[-1] += 100.0
    rewards = shape + (total - shape.sum()) / steps
    return Episode(index, 1000 + index, observations, actions, rewards, True, False)


def episodes(returns: Any = None, *, n_failed: int = 0) -> Episodes:
    rng = np.random.default_rng(3)
    values = np.asarray(rng.normal(252, 14, 20) if returns is None else returns, float)
    good = [
        episode(i, steps=int(150 + 60 * rng.random()), total=float(v)) for i, v in enumerate(values)
    ]
    failure = Failure("environment", "Box2D assertion failed in step", 41)
    bad = [
        replace(episode(len(good) + i, steps=41, total=-20.0), terminated=False, failure=failure)
        for i in range(n_failed)
    ]
    return Episodes((*good, *bad), SPEC, NAMES, 0, "greedy")


def score(
    metric: str,
    label: str,
    value: tuple[float, float, float],
    control: tuple[str, float, float, float] | None,
    gap: tuple[float, float, float],
    badge: str,
    *,
    n: int = 20,
    unit: str = "episode",
    closed_loop: bool = True,
    value_unit: str = "points",
    reason: str = "",
    **more: Any,
) -> Score:
    return Score(
        metric=metric,
        label=label,
        interval=Interval(*value, n),
        unit=unit,
        direction="higher",
        control=Control(control[0], Interval(*control[1:], n)) if control else None,
        gap=Interval(*gap, n),
        closed_loop=closed_loop,
        value_unit=value_unit,
        badge=badge,
        reason=reason,
        **more,
    )


def explanation(
    method: str,
    badge: str,
    question: str,
    template: str,
    facts: Mapping[str, Any],
    scores: tuple[Score, ...] = (),
    content: Any = None,
    **more: Any,
) -> Explanation:
    bound = {k: v if isinstance(v, Fact) else fact(v) for k, v in facts.items()}
    given = {"reason": fact(more.get("reason", "")), "need": fact(more.get("need", ""))}
    return Explanation(
        method=method,
        leaf=more.pop("leaf", "C2"),
        question=question,
        target="action",
        policy="greedy",
        content=content,
        template=template,
        text=render(template, {**given, **bound}),
        does_not_say=more.pop("does_not_say", "what would happen in another environment"),
        facts=bound,
        allowed=Cost(12_000, 90_000),
        used=Cost(9_120, 61_400) if scores else Cost(),
        seed=0,
        complete=more.pop("complete", True),
        faithfulness=scores,
        badge=badge,
        decisive=more.pop("decisive", scores[0].metric if scores else None),
        seconds=more.pop("seconds", 12.4),
        **more,
    )


# --- contents ---


def attribution(*, n_states: int = 60) -> Attribution:
    rng = np.random.default_rng(11)
    size = np.array([0.24, 0.17, 0.11, 0.15, 0.08, 0.03, 0.012, 0.01])
    values = rng.normal(0, 1, (n_states, 8, 4)) * size[:, None]
    outputs = rng.dirichlet(np.ones(4), n_states)
    return Attribution(
        values=values,
        observations=rng.normal(0, 1, (n_states, 8)),
        chosen=outputs.argmax(axis=1),
        outputs=outputs,
        baseline=np.full(4, 0.25),
        standard_errors=np.full((n_states, 8, 4), 0.004),
        steps=np.column_stack((np.arange(n_states) % 20, np.arange(n_states))),
        input_names=INPUTS,
        output_names=ACTIONS,
        output_unit="probability",
    )


def segments() -> Segments:
    starts = np.arange(0, 166, 9)
    drops = 30 + 120 * np.exp(-(((starts - 99) / 22.0) ** 2)) + 9 * np.sin(starts)
    return Segments(
        episode=2,
        n_steps=180,
        starts=starts,
        stops=starts + 18,
        drops=drops,
        standard_errors=np.full(len(starts), 7.0),
        chosen=int(drops.argmax()),
        lowest=int(drops.argmin()),
    )


def futures() -> Futures:
    rng = np.random.default_rng(5)
    shared = rng.normal(0, 40, 20)
    terms = np.zeros((2, 20, 3))
    terms[0] = np.column_stack((shared + 40, rng.normal(-12, 2, 20), np.full(20, 100.0)))
    terms[1] = np.column_stack(
        (shared + 5 + rng.normal(0, 95, 20), rng.normal(-22, 4, 20), np.full(20, 100.0))
    )
    return Futures(
        episode=4,
        step=57,
        arms=("left engine", "main engine"),
        actions=np.array([1, 2]),
        returns=terms.sum(axis=2),
        lengths=rng.integers(90, 130, (2, 20)),
        ended=np.ones((2, 20), bool),
        term_names=("approach and posture", "fuel", "landing"),
        terms=terms,
        noise="fresh_noise",
        hold=9,
        preferences=np.array([0.06, 0.52, 0.31, 0.11]),
        preference_names=ACTIONS,
        observation=np.zeros(8),
    )


# --- one explanation per badge ---


def supported() -> Explanation:
    return explanation(
        "shapley",
        "supported",
        "Which inputs drive its choices?",
        "{x} drives its choices: hiding it costs {d} {unit} ({lo} to {hi}); "
        "hiding a random input costs {r}.",
        {
            "x": "horizontal position",
            "d": 148.2,
            "lo": 121.0,
            "hi": 176.4,
            "r": 12.3,
            "unit": "points",
        },
        (
            score(
                "masked_return",
                "hiding the top input and playing on",
                (148.2, 121.0, 176.4),
                ("hiding a random input", 12.3, 8.1, 16.9),
                (135.9, 108.8, 163.0),
                "supported",
                reason="it does better than its control: hiding a random input",
            ),
            score(
                "randomised_weights",
                "ranking changes when weights are redrawn",
                (0.12, -0.2, 0.4),
                None,
                (0.41, 0.2, 0.6),
                "supported",
                closed_loop=False,
                value_unit="correlation",
                role="sanity",
                reason="passed",
            ),
        ),
        attribution(),
        does_not_say="that changing horizontal position in the world would change the result "
        "the same way",
    )


def hidden_inputs() -> Explanation:
    """The same with its tests on recorded states, one of which was not made."""
    shown = supported()
    point = Interval(61.5, 52.0, 71.0, 20)
    mean = score(
        "deletion.mean",
        "choices changed as inputs are hidden; hidden ones take their means",
        (61.5, 52.0, 71.0),
        ("hiding inputs in random order", 40.2, 33.1, 47.3),
        (21.3, 12.0, 30.6),
        "weak",
        closed_loop=False,
        value_unit="% of choices",
        role="supporting",
        reason="it was tested on recorded states only, although the environment can be re-run",
        replacement="their means over visited states",
        curve=Curve("inputs hidden", (1, 2), (point, point), (point, point)),
    )
    missing = replace(
        mean,
        metric="deletion.conditional",
        interval=not_measured(),
        gap=not_measured(),
        control=None,
        badge="not_measured",
        reason="hiding inputs in random orders needs 1305 agent queries, more than are left",
        replacement="the values of another state with similar visible inputs",
        curve=None,
    )
    return replace(shown, faithfulness=(*shown.faithfulness, mean, missing))


def critical() -> Explanation:
    return explanation(
        "critical-steps",
        "supported",
        "Which moments decided episode 2?",
        "Steps {i}–{j} decided episode {e}: random actions there cost {d} {unit} ({lo} to {hi}); "
        "a random stretch of that length costs {r}.",
        {
            "i": 99, "j": 116, "e": 2, "unit": "points",
            "d": 142.6, "lo": 118.0, "hi": 167.1, "r": 58.2,
        },
        (
            score(
                "step_drop",
                "random actions in the stretch",
                (142.6, 118.0, 167.1),
                ("a random stretch of that length", 58.2, 41.0, 75.5),
                (84.4, 52.2, 116.0),
                "supported",
                unit="replay",
                reason="it does better than its control: a random stretch of that length",
            ),
        ),
        segments(),
        leaf="C1",
        does_not_say="that the agent knew these steps were decisive",
    )  # fmt: skip


def weak() -> Explanation:
    content = futures()
    gap = paired_gap(content.returns[0], content.returns[1], "higher")
    ends = (gap.value, gap.low, gap.high)
    return explanation(
        "why-not",
        "weak",
        "Why left engine, not main engine, at step 57 of episode 4?",
        "{b} for {k} steps ends {d} {unit} lower, but the difference could be zero ({lo} to {hi}).",
        {
            "b": "main engine",
            "k": 9,
            "d": gap.value,
            "lo": gap.low,
            "hi": gap.high,
            "unit": "points",
        },
        (
            score(
                "branch_gap",
                "both futures on fresh replays",
                ends,
                ("a random other action", 9.6, -3.0, 22.0),
                (21.5, -6.0, 49.0),
                "weak",
                unit="replay",
                reason="the difference to its control could be zero",
            ),
        ),
        content,
        leaf="A2c",
        does_not_say="that left engine is the best possible action",
    )


def failed() -> Explanation:
    return explanation(
        "saliency",
        "failed",
        "Which inputs is it most sensitive to?",
        "We could not show which inputs matter: hiding the top-ranked one costs no more than "
        "hiding a random one. Do not use the ranking.",
        {},
        (
            score(
                "masked_return",
                "hiding the top input and playing on",
                (9.1, 2.0, 16.2),
                ("hiding a random input", 12.3, 8.1, 16.9),
                (-3.2, -9.0, 2.6),
                "failed",
                reason="it does no better than its control: hiding a random input",
            ),
        ),
        attribution(),
        does_not_say="that no input matters",
    )


def unmeasured() -> Explanation:
    return explanation(
        "nearest-change",
        "not_measured",
        "What small change would flip a choice?",
        "What would flip a choice was not tested: {reason}. To test it: {need}.",
        {},
        reason="this environment did not repeat itself under one seed (3 of 20 replays differed)",
        need="an environment whose noise can be seeded",
        leaf="C3",
    )


def frames(record_episodes: Episodes, positions: tuple[int, ...], *, n: int = 8) -> dict[int, Any]:
    """Drawn frames of some episodes, in the look of the simulator."""
    return {p: _episode_frames(record_episodes.used[p], n) for p in positions}


def _episode_frames(shown: Episode, n: int) -> EpisodeFrames:
    steps = tuple(int(s) for s in np.linspace(0, len(shown) - 1, n))
    return EpisodeFrames(steps, tuple(_frame(shown.observations[s]) for s in steps), 300, 200)


def _frame(observation: np.ndarray) -> bytes:
    image = Image.new("RGB", (300, 200), (0, 0, 0))
    draw = ImageDraw.Draw(image)
    ground = [
        (0, 200),
        (0, 150),
        (50, 160),
        (110, 165),
        (190, 165),
        (240, 140),
        (300, 155),
        (300, 200),
    ]
    draw.polygon(ground, fill=(255, 255, 255))
    draw.line([(125, 165), (125, 150)], fill=(204, 204, 0), width=2)
    draw.line([(175, 165), (175, 150)], fill=(204, 204, 0), width=2)
    x, y = 150 + 120 * float(observation[0]), 155 - 95 * float(observation[1])
    draw.polygon([(x - 8, y), (x - 6, y - 11), (x + 6, y - 11), (x + 8, y)], fill=(128, 102, 230))
    draw.line([(x - 8, y), (x - 12, y + 7)], fill=(128, 102, 230), width=2)
    draw.line([(x + 8, y), (x + 12, y + 7)], fill=(128, 102, 230), width=2)
    stream = io.BytesIO()
    image.save(stream, "WEBP", quality=60)
    return stream.getvalue()


def lunar_record(
    *,
    collected: Episodes | None = None,
    explanations: tuple[Explanation, ...] | None = None,
    with_frames: bool = True,
    **more: Any,
) -> RunRecord:
    """A finished run with all four badges; every argument replaces a part."""
    shown = episodes(n_failed=1) if collected is None else collected
    order = np.argsort(shown.returns, kind="stable")
    n = len(order)
    positions = tuple(int(order[i]) for i in {0, (n - 1) // 2, n - 1}) if n else ()
    values: dict[str, Any] = {
        "run_id": "20260412-081530-3b7e0c9a",
        "time": "2026-04-12T08:15:30+00:00",
        "agent": AGENT,
        "episodes": shown,
        "returns": mean_interval(shown.returns) if n else not_measured(),
        "explanations": explanations
        if explanations is not None
        else (supported(), critical(), weak(), failed(), unmeasured()),
        "command": "pellucid explain ppo.zip --env LunarLander-v3 --episodes 20 --seed 0",
        "allowed": ALLOWED,
        "used": Cost(31_200, 204_118),
        "costs": {
            "episodes": Cost(3_610, 3_610),
            "shapley": Cost(9_120, 61_400),
            "critical-steps": Cost(9_120, 61_400),
            "why-not": Cost(9_350, 77_708),
        },
        "left_out": ("The second seed was left out: it needs 40000 more environment steps.",),
        "warnings": (),
        "versions": {"python": "3.11.9", "pellucid": "0.1.0", "torch": "2.13.0", "numpy": "2.4.0"},
        "hashes": {"episodes": "9f" * 32},
        "seconds": 41.3,
        "frames": frames(shown, positions) if with_frames else {},
        "success_return": 200.0,
    }
    return RunRecord(**(values | more))
