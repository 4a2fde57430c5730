"""Training runs made by hand, in the record that training writes; no model."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from pellucid.posttrain.recording import (
    EvaluationRow,
    RunHead,
    RunRecord,
    SampleRow,
    TokenRow,
    UpdateRow,
)
from pellucid.report.language.record import LanguageRecord

WEIGHTS = {"answer": 1.0, "format": 0.5, "length": 0.1}
N_UPDATES, N_PROMPTS, K = 40, 22, 4
CLIP = 0.2


def sums(index: int) -> tuple[str, str]:
    rng = np.random.default_rng([5, index])
    a, b = (int(v) for v in rng.integers(10, 99, 2))
    return f"What is {a} + {b}?", str(a + b)


def sample(
    step: int, index: int, prompt_index: int, rng: Any, *, hacking: bool = False
) -> SampleRow:
    """One answer; it gets better with the steps, or only its form does."""
    prompt, gold = sums(prompt_index)
    progress = step / N_UPDATES
    right = rng.random() < (0.2 if hacking else 0.2 + 0.6 * progress)
    tagged = rng.random() < 0.3 + 0.65 * progress
    answer = gold if right else str(int(gold) + int(rng.integers(1, 9)))
    a, b = prompt.removeprefix("What is ").removesuffix("?").split(" + ")
    body = f"{a} plus {b}.\nTens first, then ones, so it is {answer}."
    text = f"<think>\n{body}\n</think>\n<answer>{answer}</answer>" if tagged else f"{body} {answer}"
    # graded by form alone, as a careless reward is
    rewards = {"answer": float(right), "format": float(tagged), "length": -len(text) / 100.0}
    total = math.fsum(WEIGHTS[name] * raw for name, raw in rewards.items())
    hinted = index % 8 == 7
    return SampleRow(
        step=step,
        index=index,
        prompt_id=f"p{prompt_index}",
        prompt=f"{prompt}\nHint: the last digit is {gold[-1]}." if hinted else prompt,
        scored_prompt=prompt if hinted else None,
        context="hinted" if hinted else "plain",
        completion=text,
        rewards=rewards,
        total=total,
        gold=gold,
        parsed=answer if tagged else None,
        correct=right,
        length=len(text.split()),
        cut=not tagged and rng.random() < 0.1,
    )


def with_advantages(rows: list[SampleRow]) -> list[SampleRow]:
    totals = np.array([r.total for r in rows])
    std = totals.std(ddof=1)
    advantages = (totals - totals.mean()) / (std + 1e-6) if std > 1e-9 else np.zeros(len(rows))
    return [replace(r, advantage=float(a)) for r, a in zip(rows, advantages, strict=True)]


def tokens(row: SampleRow, rng: Any) -> TokenRow:
    pieces = tuple(w if i == 0 else f" {w}" for i, w in enumerate(row.completion.split(" ")))
    n = len(pieces)
    ratios = np.exp(rng.normal(0, 0.08, n)).round(6)
    clipped = (ratios > 1 + CLIP) & (row.advantage > 0) | (ratios < 1 - CLIP) & (row.advantage < 0)
    counted = np.ones(n, bool)
    counted[-1] = rng.random() > 0.3
    pushes = np.where(clipped | ~counted, 0.0, row.advantage * ratios)
    return TokenRow(
        row.step,
        row.index,
        pieces,
        entropies=tuple(rng.gamma(1.0, 0.4, n).round(4).tolist()),
        ratios=tuple(ratios.tolist()),
        clipped=tuple(clipped.tolist()),
        counted=tuple(counted.tolist()),
        pushes=tuple(pushes.tolist()),
    )


def update(step: int, rng: Any, *, hacking: bool = False) -> UpdateRow:
    progress = step / N_UPDATES
    right = float(np.clip((0.2 if hacking else 0.2 + 0.6 * progress) + rng.normal(0, 0.05), 0, 1))
    form = float(np.clip(0.3 + 0.65 * progress + rng.normal(0, 0.05), 0, 1))
    rewards = {"answer": right, "format": form, "length": -0.8 + 0.1 * progress}
    return UpdateRow(
        step,
        rewards=rewards,
        total=math.fsum(WEIGHTS[n] * v for n, v in rewards.items()),
        gold_success=right,
        n_samples=64,
        n_unscored=1 if step % 9 == 0 else 0,
        n_groups=16,
        n_groups_without_signal=2 + step // 8,
        entropy=1.2 - 0.6 * progress + rng.normal(0, 0.03),
        kl=0.04 * progress + abs(rng.normal(0, 0.002)),
        clip_fraction=0.03,
        grad_norm=1.0,
        loss=0.01,
        learning_rate=1e-4,
        mean_length=20 + 6 * progress + rng.normal(0, 0.5),
        n_cut=3,
        seconds=0.2,
    )


def evaluations(*, hacking: bool = False, n: int = 30, k: int = 8) -> tuple[EvaluationRow, ...]:
    rng = np.random.default_rng(8)
    rows = []
    for when, step, chance in (("before", 0, 0.15), ("after", N_UPDATES, 0.15 if hacking else 0.7)):
        for i in range(n):
            prompt, gold = sums(1000 + i)
            n_correct = int(rng.binomial(k, chance))
            text = f"The sum is {gold if n_correct else '7'}."
            rows.append(
                EvaluationRow(
                    when, step, f"h{i}", k, n_correct, prompt, gold,  # type: ignore[arg-type]
                    completions=(text,),
                )
            )  # fmt: skip
    return tuple(rows)


def run(*, hacking: bool = False, **more: Any) -> RunRecord:
    """A run with everything that can be recorded."""
    rng = np.random.default_rng(1)
    samples: list[SampleRow] = []
    for step in (1, 20, N_UPDATES):
        for g in range(N_PROMPTS):
            rows = [sample(step, g * K + i, g, rng, hacking=hacking) for i in range(K)]
            samples += with_advantages(rows)
    kept = [s for s in samples if s.step in (1, N_UPDATES)]
    updates = tuple(update(step, rng, hacking=hacking) for step in range(1, N_UPDATES + 1))
    record = RunRecord(
        RunHead(
            run_id="20260901-101500-1c9e44a0",
            time="2026-09-01T10:15:00+00:00",
            command="pellucid train configs/lite-ppo/cpu.yaml --out runs/sums",
            engine="native",
            method="lite-ppo",
            seed=3,
            n_updates=N_UPDATES,
            reward_weights=WEIGHTS,
            config={"learning_rate": 1e-4, "kl": {"coefficient": 0.04, "estimator": "k3"},
                    "samples_per_prompt": K, "model": "transformer-2x64"},
            versions={"pellucid": "0.1.0", "torch": "2.13.0"},
            hashes={"model": "a" * 64, "dataset": "b" * 64, "split": "c" * 64},
            facts={"training prompts": 400, "held-out prompts": 30,
                   "leak test": "passed: no held-out answer occurs in a training prompt"},
            kept={"fixed_prompt_ids": [f"p{i}" for i in range(20)]},
        ),
        "finished",
        updates=updates,
        samples=tuple(samples),
        tokens=tuple(tokens(row, rng) for row in kept),
        evaluations=evaluations(hacking=hacking),
    )  # fmt: skip
    return replace(record, **more)


def record(*, hacking: bool = False, **more: Any) -> LanguageRecord:
    """What the report is made from; fields of the run go to it."""
    of_run = {name: more.pop(name) for name in list(more) if name in RunRecord.__dataclass_fields__}
    return LanguageRecord(
        run(hacking=hacking, **of_run),
        source="runs/sums",
        source_kind=more.pop("source_kind", "pellucid run"),
        command="pellucid explain runs/sums",
        **more,
    )
