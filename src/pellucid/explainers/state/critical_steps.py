"""Critical steps: the stretch of an episode that decided its result (leaf C1)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Finding, Segments, Sentences, Task, explainer, fact
from pellucid.explanation.options import EPISODE, chosen_episode
from pellucid.rollouts import Branch, Future, branching_cost, run_branches
from pellucid.rollouts.drawing import random_actions
from pellucid.rollouts.failures import check_enough, failure_warnings, usable_returns
from pellucid.seeds import stream
from pellucid.stats import differences

WINDOW_SHARE = 0.1
N_REPLAYS, MIN_REPLAYS = 6, 2


@dataclass(frozen=True)
class _Windows:
    starts: Int[np.ndarray, " windows"]
    length: int


@explainer(
    "critical-steps",
    leaf="C1",
    kind=Segments,
    decisive="step_drop",
    source="Cheng 2023 (StateMask), Cheng 2024 (RICE); fidelity by masked replay, sign corrected",
    question="Which moments decided the result?",
    sentences=Sentences(
        supported="{when} decided episode {e}: random actions there cost {d} {unit} "
        "({lo} to {hi}); a random stretch of that length costs {r}.",
        weak="{when} of episode {e} may have mattered; the loss {d} {unit} ({lo} to {hi}) "
        "is not clearly above that of another stretch ({r}).",
        thin="{when} may have decided episode {e}: random actions there cost {d} {unit} "
        "({lo} to {hi}), in another stretch {r}; but {reason}.",
        failed="No stretch of episode {e} mattered more than a random one of the same length.",
        not_measured="Which moments decided the result was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that the agent knew these steps were decisive",
    ),
    needs=("environment",),
    options=EPISODE,
)
class CriticalSteps:
    """Finds the stretch of one episode in which random actions cost the most return.

    Every window of a tenth of the episode is replayed with random actions inside and the agent
    afterwards, under the episode's own noise (and, if its actions are drawn, its own draws), so
    that the loss is measured against the return that was really had; its standard error is that of
    the random actions alone. The decisive test repeats the choice on fresh replays, against random
    stretches and against the least important one. Deviation from StateMask and RICE: no mask
    network is trained, every window is intervened on; the published code scores the negative of
    the text's formula.
    """

    def plan(self, task: Task) -> Cost:
        """Return the expected work: each replay runs the episode about once."""
        episode, windows = _windows(task)
        n = len(windows.starts) * _n_replays(task, len(windows.starts), episode)
        length = len(task.episodes[episode])
        return Cost(queries=n * length, env_steps=n * length)

    def explain(self, task: Task) -> Finding:
        """Replay every window with random actions and name the one that costs the most."""
        position, windows = _windows(task)
        episode = task.episodes[position]
        n_replays = _n_replays(task, len(windows.starts), position)
        branches = _branches(task, position, windows, n_replays)
        futures = run_branches(
            task.agent,
            task.episodes,
            branches,
            meter=task.meter,
            policy=task.policy,
            jobs=task.jobs,
            seed=task.seed,
            progress=task.progress,
        )
        n_done = len(futures) // len(windows.starts)
        if n_done < MIN_REPLAYS:
            least = branches[: MIN_REPLAYS * len(windows.starts)]
            need = branching_cost(task.episodes, least).env_steps
            raise BudgetError(
                f"replaying {len(windows.starts)} stretches {MIN_REPLAYS} times needs more "
                f"environment steps than the {task.meter.allowed.env_steps} given",
                hint=f"a larger budget: at least {need} environment steps for this method",
            )
        futures = futures[: n_done * len(windows.starts)]
        lost = _lost(episode.rewards, branches, usable_returns(futures))
        content = _content(position, len(episode), windows, lost.reshape(n_done, -1), futures)
        start = int(content.starts[content.chosen])
        stop = int(content.stops[content.chosen])
        return Finding(
            question=f"Which moments decided episode {episode.index}?",
            content=content,
            facts={
                "when": fact(f"Step {start}" if stop == start + 1 else f"Steps {start}–{stop - 1}"),
                "i": fact(start),
                "j": fact(stop - 1),
                "e": fact(episode.index),
                "n_windows": fact(len(windows.starts)),
                "n_replays": fact(n_done),
            },
            complete=n_done == n_replays,
            left_out=_left_out(n_done),
            warnings=failure_warnings(futures),
        )


def _windows(task: Task) -> tuple[int, _Windows]:
    if task.episodes.spec is None:
        raise CapabilityError(
            "replaying steps needs the environment, and these are logs without one",
            hint="give the environment",
        )
    position = chosen_episode(task)
    n_steps = len(task.episodes[position])
    if n_steps < 2:
        raise CapabilityError(
            f"episode {position} has {n_steps} step, too few to tell stretches apart",
            hint="choose a longer episode",
        )
    length = max(1, round(n_steps * WINDOW_SHARE))
    starts = np.arange(0, n_steps - length + 1, max(1, length // 2))
    if starts[-1] != n_steps - length:
        starts = np.append(starts, n_steps - length)
    return position, _Windows(starts, length)


def _n_replays(task: Task, n_windows: int, position: int) -> int:
    per_round = n_windows * len(task.episodes[position])
    left = task.meter.left
    affordable = min(left.env_steps, left.queries) // per_round
    return int(np.clip(affordable, MIN_REPLAYS, N_REPLAYS))


def _left_out(n_done: int) -> tuple[str, ...]:
    if n_done == N_REPLAYS:
        return ()
    done = f"Every stretch was replayed {n_done} times in place of {N_REPLAYS}."
    return (f"Which moments decided the result? {done}",)


def _branches(task: Task, position: int, windows: _Windows, n_replays: int) -> list[Branch]:
    # replay by replay, so that a budget that ends early leaves every window equally often
    space = task.agent.action_space
    return [
        Branch(
            episode=position,
            step=int(start),
            forced=random_actions(
                space, windows.length, stream(task.seed, "critical-steps", replay, int(start))
            ),
            noise=None,
            random=True,
        )
        for replay in range(n_replays)
        for start in windows.starts
    ]


def _lost(
    rewards: Float[np.ndarray, " steps"],
    branches: list[Branch],
    returns: Float[np.ndarray, " futures"],
) -> Float[np.ndarray, " futures"]:
    """Return what each replay lost against the rewards that were really had from its step on."""
    had = np.array([rewards[b.step :].sum() for b in branches[: len(returns)]])
    return differences(had, returns)


def _content(
    position: int,
    n_steps: int,
    windows: _Windows,
    drops: Float[np.ndarray, "replays windows"],
    futures: Sequence[Future],
) -> Segments:
    # a stretch in which nearly every replay failed has no mean and cannot be named; the largest
    # among the rest is worth naming only if the rest is most of the episode
    counts = np.isfinite(drops).sum(axis=0)
    told = counts >= MIN_REPLAYS
    check_enough(futures, int(told.sum()), len(told) // 2 + 1)
    starts, drops, counts = windows.starts[told], drops[:, told], counts[told]
    mean = np.nanmean(drops, axis=0)
    return Segments(
        episode=position,
        n_steps=n_steps,
        starts=starts.astype(np.int64),
        stops=(starts + windows.length).astype(np.int64),
        drops=mean,
        standard_errors=np.nanstd(drops, axis=0, ddof=1) / np.sqrt(counts),
        chosen=int(mean.argmax()),
        lowest=int(mean.argmin()),
    )
