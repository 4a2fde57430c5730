"""What a recurrent agent would remember, and choose, had it seen something else before.

Parts of what it saw before a moment are taken from another episode, the memory is formed anew along
the recorded observations, and the agent is asked at the moment itself, which is as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from gymnasium.spaces import Box
from jaxtyping import Bool, Float, Int, Shaped

from pellucid.agents.acting import choose_actions
from pellucid.agents.context import in_context
from pellucid.budget import Meter
from pellucid.rollouts.episodes import Episode, Episodes
from pellucid.types import Actions, Agent, Context, Observations, Recurrent

NEAREST = (1, 2, 3, 4, 5, 9, 17, 33, 65)
"""First step of each stretch, counted back from the moment; the last one reaches to the start."""
WINDOW = 64
"""Steps along which the memory is formed anew; before them it is taken as a whole."""
SAME_ACTION = 0.1
"""Share of its range by which a dimension of the same continuous action may differ."""


@dataclass(frozen=True)
class Moment:
    """One step, and what an agent saw before it.

    Args:
        episode: Position in `episodes.used`.
        step: At least 1.
    """

    episode: int
    step: int

    @property
    def n_stretches(self) -> int:
        """Stretches before it, of which the last may be shorter."""
        return int(np.searchsorted(NEAREST, self.step, side="right"))

    @property
    def start(self) -> int:
        """First step from which the memory is formed anew."""
        return max(0, self.step - WINDOW)

    @property
    def n_steps(self) -> int:
        """Steps along which it is."""
        return self.step - self.start

    def steps_of(self, stretch: int) -> tuple[int, int]:
        """Return the first step of a stretch, and one past its last."""
        farthest = NEAREST[stretch + 1] - 1 if stretch + 1 < len(NEAREST) else self.step
        return max(0, self.step - farthest), self.step - NEAREST[stretch] + 1


def stretch_name(stretch: int, longest: int) -> str:
    """Return a stretch in words.

    Args:
        stretch: Position in `NEAREST`.
        longest: Step of the latest moment: nothing was seen before its start.

    Example:
        >>> stretch_name(0, 9), stretch_name(4, 5), stretch_name(4, 40), stretch_name(8, 200)
        ('1 step before', '5 steps before', '5 to 8 steps before', 'more than 64 steps before')
    """
    near = NEAREST[stretch]
    if stretch + 1 == len(NEAREST):
        return f"more than {WINDOW} steps before"
    far = min(NEAREST[stretch + 1] - 1, longest)
    if near == far:
        return f"{near} step{'s' if near > 1 else ''} before"
    return f"{near} to {far} steps before"


def same_choices(
    agent: Agent,
    episodes: Episodes,
    moment: Moment,
    donors: Sequence[Episode],
    kept: Bool[np.ndarray, "rows stretches"],
) -> Float[np.ndarray, " rows"]:
    """Return 1 where the agent still chooses as it did, else 0.

    Costs `1 + rows * (moment.n_steps + 1)` queries.

    Args:
        agent: A recurrent agent.
        episodes: What it did, with its memories.
        moment: The step that is asked about.
        donors: One per row: what was seen there takes the place of what is not kept.
        kept: Shape (rows, stretches), what it still saw.
    """
    own = episodes[moment.episode]
    assert own.memories is not None
    before = own.observations[moment.start : moment.step]
    seen = np.stack([_donated(donor.observations, moment, before) for donor in donors])
    steps = np.arange(moment.start, moment.step)
    stretch_of = np.searchsorted(NEAREST, moment.step - steps, side="right") - 1
    shown = kept[:, stretch_of].reshape(*kept[:, stretch_of].shape, *(1,) * (before.ndim - 1))
    seen = np.where(shown, before, seen)
    memory = np.stack([_memory(own, donor, moment, kept[row]) for row, donor in enumerate(donors)])
    for step in range(moment.n_steps):
        memory = next_memory(agent, memory, seen[:, step])
    now = np.repeat(own.observations[moment.step][None], len(kept), axis=0)
    chosen = choose(agent, memory, now)
    recorded = choose(agent, own.memories[moment.step][None], now[:1])
    return same(agent.action_space, chosen, recorded).astype(np.float64)


def forgetting(
    agent: Agent,
    episodes: Episodes,
    position: int,
    steps: Int[np.ndarray, " steps"],
    donors: Sequence[Episode],
) -> Float[np.ndarray, " steps"]:
    """Return the share of donors with whose memory the agent chooses otherwise, at each step.

    Costs `len(steps) * (1 + len(donors))` queries.
    """
    own = episodes[position]
    assert own.memories is not None
    now = own.observations[steps]
    recorded = choose(agent, own.memories[steps], now)
    changed = []
    for donor in donors:
        assert donor.memories is not None
        other = donor.memories[np.minimum(steps, len(donor) - 1)]
        changed.append(~same(agent.action_space, choose(agent, other, now), recorded))
    return np.asarray(np.mean(changed, axis=0))


def next_memory(
    agent: Agent, memory: Float[np.ndarray, "rows units"], seen: Observations
) -> Float[np.ndarray, "rows units"]:
    """Return the memory after an observation."""
    return cast(Recurrent, in_context(agent, Context(memory=memory))).next_memory(seen)


def choose(agent: Agent, memory: Float[np.ndarray, "rows units"], seen: Observations) -> Actions:
    """Return the most-likely actions with a memory."""
    return choose_actions(in_context(agent, Context(memory=memory)), seen, "greedy", ())


def same(space: object, actions: Actions, others: Actions) -> Bool[np.ndarray, " rows"]:
    """Return where actions are the same; continuous ones up to a tenth of their range."""
    one, two = (a.reshape(len(a), -1).astype(np.float64) for a in (actions, others))
    if not isinstance(space, Box):
        return np.asarray((one == two).all(axis=1))
    low, high = (np.asarray(end, dtype=np.float64).ravel() for end in (space.low, space.high))
    width = np.where(np.isfinite(low) & np.isfinite(high), high - low, 1.0)
    return np.asarray((np.abs(one - two) <= SAME_ACTION * width).all(axis=1))


def _donated(
    observations: Shaped[np.ndarray, "steps *observation"],
    moment: Moment,
    before: Shaped[np.ndarray, "window *observation"],
) -> Shaped[np.ndarray, "window *observation"]:
    """Return what a donor saw at the same steps; at the end of a short one, its last observation.

    The same steps, since what a first step shows is rarely seen at others.
    """
    steps = np.arange(moment.start, moment.start + len(before))
    return np.asarray(observations[np.minimum(steps, len(observations) - 1)])


def _memory(
    own: Episode, donor: Episode, moment: Moment, kept: Bool[np.ndarray, " stretches"]
) -> Float[np.ndarray, " units"]:
    """Return the memory at the start of the window: its own, or the donor's at that step."""
    assert own.memories is not None
    assert donor.memories is not None
    # without a stretch before the window it is the memory of a start, which all have
    if moment.n_stretches < len(NEAREST) or kept[-1]:
        return np.asarray(own.memories[moment.start])
    return np.asarray(donor.memories[min(moment.start, len(donor) - 1)])


def remembered_along(agent: Agent, episodes: Episodes, meter: Meter) -> Episodes:
    """Return another one's episodes with what a recurrent agent would remember in them.

    It is shown what happened from the start of each episode on, at one query per step. Episodes
    beyond half of what is left are left out.

    Args:
        agent: Shown the episodes; any other than a recurrent one is not asked.
        episodes: What a stand-in did.
        meter: What the agent pays from; not charged here.

    Raises:
        BudgetError: Not even one episode is paid for.
    """
    if "recurrent" not in agent.capabilities or not episodes.used:
        return episodes
    ends = np.cumsum([len(e) for e in episodes.used])
    shown = episodes.used[: max(1, int(np.searchsorted(ends, meter.left.queries // 2, "right")))]
    lengths = np.array([len(episode) for episode in shown])
    start = np.asarray(cast(Recurrent, agent).initial_memory)
    memories = [np.empty((n, len(start)), start.dtype) for n in lengths]
    memory = np.repeat(start[None], len(shown), axis=0)
    for step in range(int(lengths.max())):
        rows = np.flatnonzero(lengths > step)
        for row in rows:
            memories[row][step] = memory[row]
        memory[rows] = next_memory(
            agent, memory[rows], np.stack([shown[row].observations[step] for row in rows])
        )
    told = zip(shown, memories, strict=True)
    return replace(episodes, attempted=tuple(replace(e, memories=m) for e, m in told))
