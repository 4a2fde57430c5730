"""Recurrent offline learners on the stitching grid: Q-learning with penalties, and cloning.

Source: Hong 2024 (sections 6 and 7); the network is small, and the pair loss compares what was seen
to follow, where the paper learns a model of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from pellucid.seeds import derived_seed, stream
from pellucid.tabular.histories.grid import N_CUES, StitchingGrid
from pellucid.tabular.histories.pomdp import HistoryPolicy, Tokens
from pellucid.tabular.histories.trajectories import Trajectories


@dataclass(frozen=True, kw_only=True)
class GridOptions:
    """How a learner is trained on logged episodes of the grid.

    Args:
        learner: Conservative Q-learning, or cloning of the episodes that were paid.
        memory: Whether it sees histories, or the last observation alone.
        pair_weight: beta of the pair loss.
        pair_start: Share of updates before the pair loss sets in: while values are still near 0,
            it would take all histories for the same.
        n_episodes: Logged episodes.
        n_updates: Updates.
        n_batch: Episodes per update.
        n_units: Units of the recurrent layer, which is the representation.
        learning_rate: Adam's step size.
        discount: Of the Q-learner.
        conservatism: alpha, the weight of `logsumexp Q - Q(logged)`.
        target_rate: Share by which the target network follows per update.
    """

    learner: Literal["q-learning", "cloning"] = "q-learning"
    memory: bool = True
    pair_weight: float = 0.0
    pair_start: float = 0.0
    n_episodes: int = 200
    n_updates: int = 600
    n_batch: int = 32
    n_units: int = 32
    learning_rate: float = 3e-3
    discount: float = 0.9
    conservatism: float = 0.02
    target_rate: float = 0.05


@dataclass(frozen=True)
class GridResult:
    """What a learner reached.

    Args:
        success: Share of fresh episodes from the start that reach the goal that pays.
        loss: J on the histories of fresh episodes of its own.
    """

    success: float
    loss: float


class RecurrentQ(nn.Module):
    """A gated recurrent unit over what is seen and done, and values linear in its state.

    Args:
        n_features: Features of a step.
        n_units: Units.
        n_actions: Actions.
        memory: Whether the state is carried on; without, every step begins from nothing.
    """

    def __init__(self, n_features: int, n_units: int, n_actions: int, *, memory: bool) -> None:
        super().__init__()
        self.recurrent = nn.GRU(n_features, n_units, batch_first=True)
        self.head = nn.Linear(n_units, n_actions)
        self.memory = memory

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return states and values, (episodes, steps, units) and (episodes, steps, actions)."""
        if self.memory:
            states = self.recurrent(features)[0]
        else:
            alone = self.recurrent(features.flatten(0, 1)[:, None])[0]
            states = alone[:, 0].unflatten(0, features.shape[:2])
        return states, self.head(states)


@lru_cache(maxsize=256)
def grid_result(
    grid: StitchingGrid, options: GridOptions, seed: int, *, n_tests: int = 256
) -> GridResult:
    """Return what a learner reaches from logged episodes.

    Args:
        grid: The problem.
        options: The learner.
        seed: Of episodes, weights and batches; learners of one seed share episodes and weights.
        n_tests: Fresh episodes.
    """
    data = grid.logged(options.n_episodes, stream(seed, "history-bisimulation", "logged"))
    if options.learner == "cloning":
        data = paid_episodes(data)
    network = trained(grid, data, options, seed)
    rng = stream(seed, "history-bisimulation", "test")
    played = grid.play(greedy(grid, network), n_tests, rng)
    everything = _batch(grid, played, np.arange(n_tests), rng)
    with torch.no_grad():
        states = network(everything.features)[0]
        loss = float(pair_loss(states, states, everything, options.discount))
    return GridResult(float(played.rewards.sum(axis=1).mean()), loss)


def paid_episodes(data: Trajectories) -> Trajectories:
    """Return the episodes whose return is the largest one: the filter of filtered cloning."""
    returns = (data.rewards * data.taken).sum(axis=1)
    kept = returns >= returns.max()
    return replace(
        data,
        observations=data.observations[kept],
        actions=data.actions[kept],
        rewards=data.rewards[kept],
        lengths=data.n_taken[kept],
        terminated=None if data.terminated is None else data.terminated[kept],
    )


def trained(grid: StitchingGrid, data: Trajectories, options: GridOptions, seed: int) -> RecurrentQ:
    """Return a network trained on logged episodes.

    Args:
        grid: The problem.
        data: Its logged episodes.
        options: The learner.
        seed: Of weights and batches.
    """
    network = _new_network(grid, options, seed)
    target = _new_network(grid, options, seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=options.learning_rate)
    paired_from = options.pair_start * options.n_updates
    for update, batch in enumerate(_batches(grid, data, options, seed)):
        states, q_values = network(batch.features)
        if options.learner == "cloning":
            loss = _cloning_loss(q_values, batch)
        else:
            with torch.no_grad():
                later_states, later_values = target(batch.features)
            loss = conservative_loss(q_values, later_values, batch, options)
            if options.pair_weight and update >= paired_from:
                near = pair_loss(states, later_states, batch, options.discount)
                loss = loss + options.pair_weight * near
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        with torch.no_grad():
            for slow, fast in zip(target.parameters(), network.parameters(), strict=True):
                slow.lerp_(fast, options.target_rate)
    return network


@dataclass(frozen=True, eq=False)
class Batch:
    """Logged episodes of one update.

    Args:
        features: Shape (episodes, steps + 1, features).
        actions: Shape (episodes, steps).
        rewards: Shape (episodes, steps).
        taken: Shape (episodes, steps): where an action was taken.
        goes_on: Shape (episodes, steps): 1 where something follows, 0 where the episode ended.
        order: Shape (actions taken,): which one each is paired with.
    """

    features: Tensor
    actions: Tensor
    rewards: Tensor
    taken: Tensor
    goes_on: Tensor
    order: Tensor


def conservative_loss(
    q_values: Tensor, later_values: Tensor, batch: Batch, options: GridOptions
) -> Tensor:
    """Return `mean (Q(a) - r - gamma max Q'(next))^2 + alpha (logsumexp Q - Q(a))`.

    Args:
        q_values: Shape (episodes, steps + 1, actions).
        later_values: The same of the target network.
        batch: The episodes.
        options: Discount and conservatism.
    """
    chosen = q_values[:, :-1].gather(2, batch.actions[..., None])[..., 0]
    best_later = later_values[:, 1:].max(dim=2).values
    goal = batch.rewards + options.discount * batch.goes_on * best_later
    error = (chosen - goal)[batch.taken].square().mean()
    penalty = (q_values[:, :-1].logsumexp(dim=2) - chosen)[batch.taken].mean()
    return error + options.conservatism * penalty


def pair_loss(states: Tensor, later_states: Tensor, batch: Batch, discount: float) -> Tensor:
    """Return J: how far distances of states are from those of what follows them.

    `(|z - z'| - |r - r'| - gamma |next z - next z'|)^2`, over pairs of the same logged action; what
    follows an end is 0. Distances of values would not do here: before the top the values of both
    cues are equal by symmetry, and what must be remembered would be merged.

    Args:
        states: Shape (episodes, steps + 1, units); the gradient goes to these alone.
        later_states: The same of the target network.
        batch: The episodes.
        discount: gamma.
    """
    now, order = states[:, :-1][batch.taken], batch.order
    following = (later_states[:, 1:] * batch.goes_on[..., None])[batch.taken].detach()
    rewards, actions = batch.rewards[batch.taken], batch.actions[batch.taken]
    goal = (rewards - rewards[order]).abs()
    goal = goal + discount * (following - following[order]).abs().mean(dim=1)
    error = (now - now[order]).abs().mean(dim=1) - goal
    return error[actions == actions[order]].square().mean()


def greedy(grid: StitchingGrid, network: RecurrentQ) -> HistoryPolicy:
    """Return the policy that takes the action of the largest value."""

    def act(step: int, tokens: Tokens) -> Int[np.ndarray, " histories"]:
        with torch.no_grad():
            q_values = network(torch.from_numpy(step_features(grid, tokens)))[1]
        return np.asarray(q_values[:, -1].argmax(dim=1).numpy())

    return act


def step_features(grid: StitchingGrid, tokens: Tokens) -> Float[np.ndarray, "histories steps all"]:
    """Return cell, colour, cue and the action before, one-hot, of every step of histories."""
    cells, colours, cues = grid.parts(tokens[:, ::2])
    before = np.full(cells.shape, grid.n_actions)  # no action came before the first step
    before[:, 1:] = tokens[:, 1::2]
    sizes = (grid.n_cells, grid.n_colours, N_CUES, grid.n_actions + 1)
    parts = [
        np.eye(size, dtype=np.float32)[values]
        for size, values in zip(sizes, (cells, colours, cues, before), strict=True)
    ]
    return np.concatenate(parts, axis=2)


# --- inside ---


def _new_network(grid: StitchingGrid, options: GridOptions, seed: int) -> RecurrentQ:
    n_features = grid.n_cells + grid.n_colours + N_CUES + grid.n_actions + 1
    # the layers draw from torch's own stream, which is put back as it was
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, "history-bisimulation", "weights"))
        return RecurrentQ(n_features, options.n_units, grid.n_actions, memory=options.memory)


def _batches(
    grid: StitchingGrid, data: Trajectories, options: GridOptions, seed: int
) -> Iterator[Batch]:
    rng = stream(seed, "history-bisimulation", "batches")
    for _ in range(options.n_updates):
        yield _batch(grid, data, rng.integers(0, data.n_episodes, options.n_batch), rng)


def _batch(
    grid: StitchingGrid, data: Trajectories, rows: np.ndarray, rng: np.random.Generator
) -> Batch:
    longest = int(data.n_taken[rows].max())  # what lies past every end costs time only
    taken = data.taken[rows, :longest]
    goes_on = np.arange(1, longest + 1) < data.n_seen[rows, None]
    return Batch(
        torch.from_numpy(step_features(grid, data.tokens(longest)[rows])),
        torch.from_numpy(data.actions[rows, :longest]),
        torch.from_numpy(data.rewards[rows, :longest].astype(np.float32)),
        torch.from_numpy(taken),
        torch.from_numpy(goes_on.astype(np.float32)),
        torch.from_numpy(rng.permutation(int(taken.sum()))),
    )


def _cloning_loss(q_values: Tensor, batch: Batch) -> Tensor:
    logits = q_values[:, :-1][batch.taken]
    return nn.functional.cross_entropy(logits, batch.actions[batch.taken])
