"""Shapley values of the inputs for what the agent really earns, by running it (leaf C2)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float, Int

from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError, DataError
from pellucid.explainers.state.pairs import stored_groups
from pellucid.explanation import (
    RETURN,
    Attribution,
    Finding,
    InputGroups,
    Sentences,
    Task,
    explainer,
    fact,
)
from pellucid.explanation.players import GROUPS, fixed_players_of
from pellucid.kernels.shapley import efficiency_error
from pellucid.kernels.shapley_designs import CoalitionDesign, antithetic_chain, every_coalition
from pellucid.rollouts import Branch, Future, branching_cost, run_branches, snapshot_way
from pellucid.rollouts.failures import check_enough, failure_warnings, usable_returns
from pellucid.seeds import derived_seed, stream

_QUESTION = "Which inputs does its return depend on?"

N_STATES, N_CHAINS = 20, 8
MIN_STATES, MIN_CHAINS = 5, 2
"""Five episodes, as any score needs; two chains, as any standard error needs."""
ALWAYS_EVERY = 3
"""Inputs up to which all coalitions cost hardly more futures than one chain and its reverse."""
MARGIN = 1.2
"""How much longer than the first futures later ones are taken to last."""


@dataclass(frozen=True)
class _Plan:
    """Which starts are explained and by how many chains.

    Args:
        states: Shape (states,), positions in `episodes.used`, in the order in which they are taken.
        n_chains: Chains of each.
        groups: Inputs of the agent, or groups of them.
        expected: What they are expected to use.
    """

    states: Int[np.ndarray, " states"]
    n_chains: int
    groups: InputGroups
    expected: Cost

    @property
    def n_inputs(self) -> int:
        """Inputs or groups of them."""
        return len(self.groups)

    @property
    def n_planned(self) -> int:
        """Chains in all."""
        return len(self.states) * self.n_chains


@dataclass(frozen=True)
class _Chain:
    """One replicate of one start: a design, all of whose coalitions share their noise."""

    state: int
    replicate: int
    design: CoalitionDesign
    groups: InputGroups

    @property
    def branches(self) -> list[Branch]:
        """One future per coalition."""
        assert self.groups.labels is not None
        hidden = ~self.design.masks[:, self.groups.labels]
        return [Branch(self.state, 0, np.empty(0), self.replicate, hidden=row) for row in hidden]


@dataclass
class _Ran:
    """Chains that were run, and what their coalitions earned."""

    chains: list[_Chain] = field(default_factory=list)
    worths: list[Float[np.ndarray, " coalitions"]] = field(default_factory=list)
    futures: list[Future] = field(default_factory=list)

    def add(self, chains: Sequence[_Chain], futures: Sequence[Future]) -> None:
        """Keep the chains that the budget let run to their end; a failed future is worth NaN."""
        returns = usable_returns(futures)
        ends = np.cumsum([len(chain.design.masks) for chain in chains])
        self.futures += futures
        for chain, end in zip(chains, ends, strict=True):
            if end <= len(returns):
                self.chains.append(chain)
                self.worths.append(returns[end - len(chain.design.masks) : end])


@explainer(
    "shapley-return",
    leaf="C2",
    kind=Attribution,
    decisive="masked_return",
    source="Beechey 2023 (SVERL-Performance, global), with marginal draws",
    question=_QUESTION,
    sentences=Sentences(
        supported="{x} drives its return: hiding it costs {d} {unit} ({lo} to {hi}); "
        "hiding a random input costs {r}.",
        weak="{x} may matter most to its return, but hiding it costs {d} {unit} ({lo} to {hi}), "
        "not clearly more than a random input ({r}).",
        thin="{x} may drive its return: hiding it costs {d} {unit} ({lo} to {hi}), "
        "a random input {r}; but {reason}.",
        failed="We could not show which inputs its return depends on: hiding the top-ranked one "
        "costs no more than hiding a random one. Do not use the ranking.",
        not_measured="Which inputs its return depends on was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that an agent trained without {x} would earn that much less",
    ),
    needs=("environment",),
    targets=("return",),
    axioms=("efficiency", "null_player"),
    options=GROUPS,
)
class ShapleyReturn:
    """Shapley values of the agent's return over inputs, by running it with inputs hidden.

    The game of a start s is v(S) = the expected undiscounted return of the episode that begins in s
    if the agent sees the inputs in S alone, at every step: the others have the values of a visited
    state, drawn anew at each step. The agent does not know; what it does is fed back. This is
    SVERL-Performance in its global form. The local form hides inputs in s alone and shows all in
    every later state; it is not implemented, since a continuous state is never visited twice, so
    that it would measure one step among hundreds, and its test would be another one.

    Estimated by antithetic permutation chains (all coalitions up to 3 inputs), each of which is run
    through closed-loop branching with noise, drawn values and drawn actions of its own that all its
    coalitions share. The values of a chain are unbiased and add up to what seeing everything earned
    more than seeing nothing; the mean over chains has their standard error, to be trusted from some
    tens of chains where returns are skewed. An input that changes no action gets zero. Inputs are
    ranked by the mean over starts with its sign.

    Deviations from SVERL: hidden inputs are drawn from their marginal over visited states, jointly
    and not conditionally on the visible ones; starts are those of the recorded episodes.
    """

    def plan(self, task: Task) -> Cost:
        """Return the expected work: each coalition of each chain runs an episode."""
        return _plan(task, _recorded_length(task)).expected

    def explain(self, task: Task) -> Finding:
        """Attribute the return of recorded episodes to the inputs by running them again."""
        plan = _plan(task, _recorded_length(task))
        ran = _Ran()
        # one chain in each of a few starts tells how long futures last with inputs hidden
        first = _chains(task.seed, plan.states[:MIN_STATES], 1, plan.groups)
        _run(replace(task, progress=lambda share: None), first, ran)
        plan = _plan(task, _seen_length(ran, task), n_ran=len(ran.chains))
        done = {(chain.state, chain.replicate) for chain in ran.chains}
        planned = _chains(task.seed, plan.states, plan.n_chains, plan.groups)
        _run(task, [c for c in planned if (c.state, c.replicate) not in done], ran)
        content = _content(task, plan, ran)
        return Finding(
            question=_QUESTION,
            content=content,
            facts={
                "x": fact(content.input_names[int(content.ranking[0])]),
                "n_states": fact(len(content.steps)),
                "n_chains": fact(plan.n_chains),
                "n_futures": fact(len(ran.futures)),
                "seen": fact(float(content.outputs.mean())),
                "hidden": fact(float(content.baseline.mean())),
            },
            complete=len(ran.chains) == plan.n_planned,
            identity_error=_identity_error(content),
            left_out=_left_out(task, plan, plan.n_planned - len(ran.chains)),
            warnings=failure_warnings(ran.futures),
            groups=plan.groups,
        )


# --- planning ---


def _recorded_length(task: Task) -> float:
    """Return how many steps futures are taken to last by the recorded episodes.

    Raises:
        CapabilityError: There is no environment.
        DataError: There are no usable episodes.
    """
    if task.episodes.spec is None:
        raise CapabilityError(
            "running the agent with inputs hidden needs the environment, and these are logs "
            "without one",
            hint="give the environment",
        )
    if len(task.episodes) == 0:
        raise DataError("there is no episode to run again", hint="collect episodes first")
    return float(np.mean([len(e) for e in task.episodes.used]))


def _seen_length(ran: _Ran, task: Task) -> float:
    """Return the same by the futures that were run."""
    lengths = [len(future) for future in ran.futures]
    return MARGIN * max(1.0, float(np.mean(lengths))) if lengths else _recorded_length(task)


def _plan(task: Task, length: float, *, n_ran: int = 0) -> _Plan:
    """Choose starts and chains that the budget pays for: starts first, then chains.

    Args:
        task: Its budget, or what is left of it, decides.
        length: Expected steps of a future.
        n_ran: Chains that were run and paid for.

    Raises:
        BudgetError: Less than two chains in each of five starts, and nothing was run yet.
    """
    episodes = task.episodes
    groups = fixed_players_of(task)
    n_inputs = len(groups)
    least = min(len(episodes), MIN_STATES)
    # a future is only started if it can last to the step limit: one such is not for planning
    spare = branching_cost(episodes, [Branch(0, 0, np.empty(0), None)])
    per_chain = _n_coalitions(n_inputs) * min(float(spare.queries), length)
    left = task.meter.left - spare
    affordable = n_ran + max(0, int(min(left.queries, left.env_steps) // per_chain))
    if affordable < least * MIN_CHAINS:
        if n_ran == 0:
            need = math.ceil(least * MIN_CHAINS * per_chain)
            raise _too_small(n_inputs, least, spare + Cost(need, need), task.meter.left)
        affordable = least * MIN_CHAINS  # begun already: as far as the budget goes
    n_states = min(len(episodes), N_STATES, affordable // MIN_CHAINS)
    n_chains = min(N_CHAINS, affordable // n_states)
    order = stream(task.seed, "shapley-return", "states").permutation(len(episodes))
    expected = math.ceil((n_states * n_chains - n_ran) * per_chain)
    probing = Cost(0, spare.env_steps - spare.queries)
    return _Plan(order[:n_states], n_chains, groups, Cost(expected, expected) + probing)


def _too_small(n_inputs: int, n_states: int, need: Cost, left: Cost) -> BudgetError:
    wanted = f"about {need.env_steps} environment steps and {need.queries} agent queries"
    return BudgetError(
        f"running the agent with {n_inputs} inputs hidden in turn, {MIN_CHAINS} times from each of "
        f"{n_states} starts, needs {wanted}; {left.env_steps} and {left.queries} are left",
        hint=f"a larger budget: {wanted} for this method",
    )


def _left_out(task: Task, plan: _Plan, n_missing: int) -> tuple[str, ...]:
    told = []
    n_full = min(len(task.episodes), N_STATES)
    if (len(plan.states), plan.n_chains) != (n_full, N_CHAINS):
        done = f"{len(plan.states)} starts are explained by {plan.n_chains} chains each"
        told.append(f"{_QUESTION} {done}, in place of {n_full} by {N_CHAINS}.")
    if n_missing:
        done = f"the budget ended before {n_missing} of {plan.n_planned} chains"
        told.append(f"{_QUESTION} Some starts were run less often: {done}.")
    return tuple(told)


def _n_coalitions(n_inputs: int) -> int:
    return int(2**n_inputs) if n_inputs <= ALWAYS_EVERY else 2 * n_inputs


# --- running ---


def _chains(
    seed: int, states: Int[np.ndarray, " states"], n_chains: int, groups: InputGroups
) -> list[_Chain]:
    # replicate by replicate, so that a budget that ends early leaves every start about as often
    return [
        _Chain(state, replicate, _design(seed, state, replicate, len(groups)), groups)
        for replicate in range(n_chains)
        for state in states.tolist()
    ]


def _design(seed: int, state: int, replicate: int, n_inputs: int) -> CoalitionDesign:
    if n_inputs <= ALWAYS_EVERY:
        return every_coalition(n_inputs)
    return antithetic_chain(n_inputs, stream(seed, "shapley-return", "order", state, replicate))


def _run(task: Task, chains: Sequence[_Chain], ran: _Ran) -> None:
    """Run chains as far as the budget goes.

    Raises:
        CapabilityError: The environment cannot be run again, or its noise cannot be re-seeded.
    """
    seed = derived_seed(task.seed, "shapley-return", "futures")
    if snapshot_way(task.episodes, meter=task.meter, seed=seed).noise_reseedable is False:
        raise CapabilityError(
            "the environment has noise that cannot be re-seeded: its futures are one sample",
            hint="an environment whose noise comes from np_random",
        )
    futures = run_branches(
        task.agent,
        task.episodes,
        [branch for chain in chains for branch in chain.branches],
        meter=task.meter,
        policy=task.policy,
        jobs=task.jobs,
        seed=seed,
        progress=task.progress,
    )
    ran.add(chains, futures)


# --- the answer ---


def _kept(plan: _Plan, ran: _Ran) -> dict[int, list[int]]:
    """Return the positions of usable chains by start, for starts with at least two.

    A chain with a failed future does not add up and is left out as a whole.

    Raises:
        AgentError: The agent failed in more than half of the starts.
        EnvError: The environment did.
        BudgetError: The budget ended too early.
    """
    by_state: dict[int, list[int]] = {state: [] for state in sorted(plan.states.tolist())}
    for position, (chain, worth) in enumerate(zip(ran.chains, ran.worths, strict=True)):
        if np.isfinite(worth).all():
            by_state[chain.state].append(position)
    kept = {state: found for state, found in by_state.items() if len(found) >= MIN_CHAINS}
    check_enough(ran.futures, len(kept), len(plan.states) // 2 + 1)
    if not kept:
        raise BudgetError(
            f"the budget ended after {len(ran.futures)} episodes with hidden inputs, before any "
            f"start had been run {MIN_CHAINS} times",
            hint="a larger budget of environment steps and agent queries for this method",
        )
    return kept


def _content(task: Task, plan: _Plan, ran: _Ran) -> Attribution:
    kept = _kept(plan, ran)
    values, errors = np.empty((2, len(kept), plan.n_inputs, 1))
    ends = np.empty((len(kept), 2))
    for row, positions in enumerate(kept.values()):
        worths = [ran.worths[p] for p in positions]
        estimates = np.array(
            [ran.chains[p].design.matrix @ w for p, w in zip(positions, worths, strict=True)]
        )
        values[row, :, 0] = estimates.mean(axis=0)
        errors[row, :, 0] = estimates.std(axis=0, ddof=1) / math.sqrt(len(positions))
        ends[row] = np.mean([w[[0, -1]] for w in worths], axis=0)
    states = list(kept)
    starts = np.stack([task.episodes[s].observations[0] for s in states])
    return Attribution(
        values=values,
        observations=plan.groups.means(starts),
        chosen=np.zeros(len(kept), dtype=np.int64),
        outputs=ends[:, 1:],
        baseline=ends[:, :1],
        standard_errors=errors,
        steps=np.array([(state, 0) for state in states], dtype=np.int64),
        input_names=plan.groups.names,
        output_names=(RETURN,),
        output_unit=RETURN,
        **stored_groups(plan.groups, starts),
    )


def _identity_error(content: Attribution) -> float:
    return efficiency_error(content.values.swapaxes(0, 1), content.baseline, content.outputs)
