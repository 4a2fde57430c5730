"""Step mask: the stretch that a learnt mask keeps while it lets the rest be random (leaf C1)."""

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.flatten import n_inputs
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explainers.state.keeping import (
    Mask,
    Schedule,
    Stake,
    learnt_mask,
    longest_episode,
)
from pellucid.explanation import KEEPING, Finding, Segments, Sentences, Task, explainer, fact
from pellucid.explanation.options import EPISODE, chosen_episode
from pellucid.rollouts.coalition_runs import typical_length
from pellucid.rollouts.stand_ins import RandomAgent, collect_stand_in
from pellucid.seeds import derived_seed, episode_seeds

TOP_SHARE = 0.1
"""Share of the steps among which the stretch is looked for."""
N_MASKS, N_BATCHES, BATCH = 3, 20, 16
LEAST_BATCHES, LEAST_BATCH = 8, 4
N_RANDOM = 8
"""Episodes of random actions, which tell what is at stake."""
MOST_INPUTS = 2048
MOST_STRETCHES = 40
"""Stretches that are listed beside the one that is named."""


@explainer(
    "step-mask",
    leaf="C1",
    kind=Segments,
    decisive="step_drop",
    source="Cheng 2024 (RICE), section 3.3, after Cheng 2023 (StateMask); learnt by the natural "
    "policy gradient of Kakade 2001",
    question="Which moments must be its own?",
    sentences=Sentences(
        supported="A learnt mask keeps steps {i}–{j} of episode {e}: random actions there cost {d} "
        "{unit} ({lo} to {hi}); a random stretch of that length costs {r}.",
        weak="A learnt mask keeps steps {i}–{j} of episode {e}, which may matter: random actions "
        "there cost {d} {unit} ({lo} to {hi}), in another stretch {r}.",
        thin="A learnt mask keeps steps {i}–{j} of episode {e}: random actions there may cost {d} "
        "{unit} ({lo} to {hi}), in another stretch {r}; but {reason}.",
        failed="The steps that a learnt mask keeps in episode {e} do not matter more than others.",
        not_measured="Which moments must be its own was not tested: {reason}. To test it: {need}.",
        does_not_say="that the agent knew these steps were decisive, or that the others may all "
        "be left to chance at once",
    ),
    needs=("environment",),
    options=EPISODE,
)
class StepMask:
    """Learns a coin per state that keeps the agent's action or lets a random one take its place.

    The mask earns what the agent earns and a bonus for every step that it does not keep, so that
    it keeps those that matter (RICE; the bonus of an episode is half of what the agent earns above
    random actions). Three masks are learnt, each from its own episodes. A step is as important as
    it is likely to be kept; the stretch named is a run of steps among the tenth most likely, the
    one with the largest sum above the mean of the episode. Deviations from RICE: the longest run,
    which lets three steps that matter little outvote one that decides, is not taken; the mask is
    linear in features of the state and learnt by natural gradients in place of PPO; and its test
    is on many replays, against stretches of equal length, with the sign of the paper's text.
    """

    def plan(self, task: Task) -> Cost:
        """Return the expected work: the episodes of the masks, and a few with random actions."""
        _checked(task)
        length = typical_length(task.episodes)
        random = round(N_RANDOM * length)
        schedule = _schedule(task, task.meter.left - Cost(0, random), length)
        run = round(N_MASKS * schedule.n_episodes * length)
        return Cost(run, run + random, N_MASKS * schedule.n_batches)

    def explain(self, task: Task) -> Finding:
        """Learn the masks and name the stretch that they keep."""
        position = _checked(task)
        self.plan(task)
        stake = _stake(task)
        schedule = _schedule(task, task.meter.left, stake.n_steps)
        masks = _masks(task, stake, schedule)
        states = task.episodes[position].observations[:-1]
        importances = np.array([mask(states) for mask in masks])
        content = _content(position, importances)
        start, stop = (int(ends[content.chosen]) for ends in (content.starts, content.stops))
        complete = len(importances) == N_MASKS
        return Finding(
            question=f"Which moments of episode {task.episodes[position].index} must be its own?",
            content=content,
            facts={
                "i": fact(start),
                "j": fact(stop - 1),
                "e": fact(task.episodes[position].index),
                "n_masks": fact(len(importances)),
                "n_episodes": fact(N_MASKS * schedule.n_episodes),
                "spread": fact(stake.spread),
                "kept": fact(float(importances.mean())),
            },
            complete=complete,
            warnings=_failure_warnings(masks, schedule),
            left_out=_left_out(schedule, len(importances)),
        )


def _checked(task: Task) -> int:
    if task.episodes.spec is None:
        raise CapabilityError(
            "learning a mask needs the environment, and these are logs without one",
            hint="give the environment",
        )
    n_numbers = n_inputs(task.agent.observation_space)
    if n_numbers > MOST_INPUTS:
        raise CapabilityError(
            f"an observation has {n_numbers} numbers, and a mask can be learnt from {MOST_INPUTS}",
            hint="use critical-steps, which needs no mask",
        )
    position = chosen_episode(task)
    n_steps = len(task.episodes[position])
    if n_steps < 2:
        raise CapabilityError(
            f"episode {position} has {n_steps} step, too few to tell stretches apart",
            hint="choose a longer episode",
        )
    return position


def _schedule(task: Task, left: Cost, n_steps: float) -> Schedule:
    """Return what can be run for each mask, with room for one episode that lasts to the limit."""
    room = min(left.queries, left.env_steps) - longest_episode(task)
    affordable = int(max(0, room) // (N_MASKS * n_steps))
    least = LEAST_BATCHES * LEAST_BATCH
    if affordable < least:
        need = round(N_MASKS * least * n_steps) + longest_episode(task)
        raise BudgetError(
            f"learning {N_MASKS} masks from {least} episodes each needs more agent queries or "
            f"environment steps than the {min(left.queries, left.env_steps)} left",
            hint=f"a larger budget: at least {need + round(N_RANDOM * n_steps)} of each for this "
            "method",
        )
    n_episodes = min(affordable, N_BATCHES * BATCH)
    batch = int(np.clip(n_episodes // N_BATCHES, LEAST_BATCH, BATCH))
    return Schedule(min(N_BATCHES, n_episodes // batch), batch)


def _left_out(schedule: Schedule, n_masks: int) -> tuple[str, ...]:
    most = N_BATCHES * BATCH
    if (schedule.n_episodes, n_masks) == (most, N_MASKS):
        return ()
    learnt = f"{n_masks} masks were learnt from {schedule.n_episodes} episodes each"
    return (f"Which moments must be its own? {learnt}, in place of {N_MASKS} from {most}.",)


def _stake(task: Task) -> Stake:
    """Return what the agent earns above random actions, and the length of an episode."""
    seed = derived_seed(task.seed, "step-mask", "random")
    agent = task.agent
    random = collect_stand_in(
        RandomAgent(agent.observation_space, agent.action_space),
        task.episodes,
        episode_seeds=episode_seeds(seed, N_RANDOM),
        seed=seed,
        meter=task.meter,
    )
    lengths = [typical_length(episodes) for episodes in (task.episodes, random) if len(episodes)]
    above = float(task.episodes.returns.mean() - random.returns.mean()) if len(random) else 0.0
    # an agent no better than chance has nothing at stake; any unit will do for its mask
    spread = above if above > 0 else float(task.episodes.returns.std()) or 1.0
    return Stake(spread, max(lengths))


def _masks(task: Task, stake: Stake, schedule: Schedule) -> list[Mask]:
    found: list[Mask] = []
    for number in range(N_MASKS):

        def tell(share: float, done: int = number) -> None:
            task.progress((done + share) / N_MASKS)

        mask = learnt_mask(task, stake, schedule, number, tell)
        if mask is None:
            break
        found.append(mask)
    if not found:
        raise BudgetError(
            "the budget ended before one mask was learnt: masked episodes last longer than those "
            "of the agent",
            hint="a larger budget (--budget, --env-steps)",
        )
    return found


def _failure_warnings(masks: list[Mask], schedule: Schedule) -> tuple[str, ...]:
    failures = [message for mask in masks for message in mask.failures]
    if not failures:
        return ()
    n_run = len(masks) * schedule.n_episodes
    left_out = f"{len(failures)} of {n_run} episodes failed and are left out of learning"
    return (f"{left_out}; the first: {failures[0]}",)


# --- from importance to a stretch ---


def kept_stretch(importance: Float[np.ndarray, " steps"], share: float) -> tuple[int, int]:
    """Return first step and one past the last of the stretch that stands out.

    Args:
        importance: Shape (steps,).
        share: Of the steps, the most important ones among which it lies.

    Returns:
        Of the runs of consecutive steps among these, the one with the largest sum above the mean
        of all; of equally good ones the first.

    Example:
        >>> kept_stretch(np.array([0.1, 0.9, 0.1, 0.2, 0.2, 0.1]), 0.5)
        (1, 2)
    """
    n_top = max(1, round(share * len(importance)))
    top = np.zeros(len(importance) + 2, dtype=bool)
    top[1 + np.argsort(-importance, kind="stable")[:n_top]] = True
    edges = np.flatnonzero(np.diff(top))
    above = importance - importance.mean()
    sums = [float(above[start:stop].sum()) for start, stop in edges.reshape(-1, 2)]
    start, stop = edges.reshape(-1, 2)[int(np.argmax(sums))]
    return int(start), int(stop)


def _content(position: int, importances: Float[np.ndarray, "masks steps"]) -> Segments:
    n_masks, n_steps = importances.shape
    start, stop = kept_stretch(importances.mean(axis=0), TOP_SHARE)
    length = stop - start
    sums = np.cumsum(np.column_stack((np.zeros(n_masks), importances)), axis=1)
    means = (sums[:, length:] - sums[:, :-length]) / length
    lowest = int(means.mean(axis=0).argmin())
    listed = _listed(n_steps, length, (start, lowest))
    errors = (
        means[:, listed].std(axis=0, ddof=1) / np.sqrt(n_masks)
        if n_masks > 1
        else np.full(len(listed), np.nan)
    )
    return Segments(
        episode=position,
        n_steps=n_steps,
        starts=listed,
        stops=listed + length,
        drops=means[:, listed].mean(axis=0),
        standard_errors=errors,
        chosen=int(np.searchsorted(listed, start)),
        lowest=int(np.searchsorted(listed, lowest)),
        quantity=KEEPING,
    )


def _listed(n_steps: int, length: int, starts: tuple[int, ...]) -> Int[np.ndarray, " stretches"]:
    """Return the first steps of stretches that cover an episode, those given among them."""
    stride = max(1, length // 2, -(-n_steps // MOST_STRETCHES))
    last = n_steps - length
    return np.unique([*range(0, last + 1, stride), last, *starts]).astype(np.int64)
