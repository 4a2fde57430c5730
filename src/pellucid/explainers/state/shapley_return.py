"""Shapley values of the inputs for what the agent really earns, by running it (leaf C2)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.flatten import flat
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError, DataError
from pellucid.explainers.failures import check_enough, failure_warnings, usable_returns
from pellucid.explanation import RETURN, Attribution, Finding, Sentences, Task, explainer, fact
from pellucid.kernels.shapley import efficiency_error
from pellucid.kernels.shapley_designs import CoalitionDesign, antithetic_chain, every_coalition
from pellucid.rollouts import Branch, Future, branching_cost, run_branches, snapshot_way
from pellucid.seeds import derived_seed, stream

_QUESTION = "Which inputs does its return depend on?"

N_STATES, N_CHAINS = 20, 8
MIN_STATES, MIN_CHAINS = 5, 2
"""Five episodes, as any score needs; two chains, as any standard error needs."""
ALWAYS_EVERY = 3
"""Inputs up to which all coalitions cost hardly more futures than one chain and its reverse."""
LENGTHENING = 1.5
"""How much longer than recorded a future is taken to last once inputs are hidden."""


@dataclass(frozen=True)
class _Plan:
    """Which starts are explained, by how many chains, and what that is expected to take."""

    states: Int[np.ndarray, " states"]
    n_chains: int
    n_inputs: int
    expected: Cost


@dataclass(frozen=True)
class _Chain:
    """One replicate of one state: a design, all of whose coalitions share their noise."""

    state: int
    replicate: int
    design: CoalitionDesign


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
    more than seeing nothing; the mean over chains has their standard error. An input that changes
    no action gets exactly zero. Inputs are ranked by the mean over starts with its sign.

    Deviations from SVERL: hidden inputs are drawn from their marginal over visited states, jointly
    and not conditionally on the visible ones; starts are those of the recorded episodes.
    """

    def plan(self, task: Task) -> Cost:
        """Return the expected work: each coalition of each chain runs an episode."""
        return _plan(task).expected

    def explain(self, task: Task) -> Finding:
        """Attribute the return of recorded episodes to the inputs by running them again."""
        plan = _plan(task)
        seed = derived_seed(task.seed, "shapley-return", "futures")
        if snapshot_way(task.episodes, meter=task.meter, seed=seed).noise_reseedable is False:
            raise CapabilityError(
                "the environment has noise that cannot be re-seeded: its futures are one sample",
                hint="an environment whose noise comes from np_random",
            )
        chains = _chains(task.seed, plan)
        futures = run_branches(
            task.agent,
            task.episodes,
            [branch for chain in chains for branch in _branches(chain)],
            meter=task.meter,
            policy=task.policy,
            jobs=task.jobs,
            seed=seed,
            progress=task.progress,
        )
        worths = _worths(chains, futures)
        kept = _told(plan, chains, worths, futures)
        content = _content(task, plan, chains, worths, kept)
        n_missing = len(chains) - len(worths)
        return Finding(
            question=_QUESTION,
            content=content,
            facts={
                "x": fact(content.input_names[int(content.ranking[0])]),
                "n_states": fact(len(content.steps)),
                "n_chains": fact(plan.n_chains),
                "n_futures": fact(len(futures)),
                "seen": fact(float(content.outputs.mean())),
                "hidden": fact(float(content.baseline.mean())),
            },
            complete=n_missing == 0,
            identity_error=_identity_error(content),
            left_out=_left_out(task, plan, n_missing),
            warnings=failure_warnings(futures),
        )


# --- planning ---


def _plan(task: Task) -> _Plan:
    """Choose starts and chains that the budget pays for: starts first, then chains.

    Raises:
        CapabilityError: There is no environment.
        DataError: There are no usable episodes.
        BudgetError: Less than two chains in each of five starts.
    """
    episodes = task.episodes
    if episodes.spec is None:
        raise CapabilityError(
            "running the agent with inputs hidden needs the environment, and these are logs "
            "without one",
            hint="give the environment",
        )
    if len(episodes) == 0:
        raise DataError("there is no episode to run again", hint="collect episodes first")
    n_inputs = int(flat(episodes.visited[:1]).shape[1])
    n_full, least = min(len(episodes), N_STATES), min(len(episodes), MIN_STATES)
    # a future is only started if it can last to the step limit: one such is not for planning
    spare = branching_cost(episodes, [Branch(0, 0, np.empty(0), None)])
    length = LENGTHENING * float(np.mean([len(e) for e in episodes.used]))
    per_chain = _n_coalitions(n_inputs) * min(float(spare.queries), length)
    left = task.meter.left - spare
    affordable = max(0, int(min(left.queries, left.env_steps) // per_chain))
    if affordable < least * MIN_CHAINS:
        need = math.ceil(least * MIN_CHAINS * per_chain)
        raise _too_small(n_inputs, least, spare + Cost(need, need), task.meter.left)
    n_states = min(n_full, affordable // MIN_CHAINS)
    n_chains = min(N_CHAINS, affordable // n_states)
    order = stream(task.seed, "shapley-return", "states").permutation(len(episodes))
    expected = math.ceil(n_states * n_chains * per_chain)
    probing = Cost(0, spare.env_steps - spare.queries)
    return _Plan(
        states=np.sort(order[:n_states]).astype(np.int64),
        n_chains=n_chains,
        n_inputs=n_inputs,
        expected=Cost(expected, expected) + probing,
    )


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
        n_planned = len(plan.states) * plan.n_chains
        told.append(f"{_QUESTION} The budget ended before {n_missing} of {n_planned} chains.")
    return tuple(told)


def _n_coalitions(n_inputs: int) -> int:
    return int(2**n_inputs) if n_inputs <= ALWAYS_EVERY else 2 * n_inputs


# --- running ---


def _chains(seed: int, plan: _Plan) -> list[_Chain]:
    # replicate by replicate, so that a budget that ends early leaves every start about as often
    rng = stream(seed, "shapley-return", "orders")
    return [
        _Chain(int(state), replicate, _design(plan.n_inputs, rng))
        for replicate in range(plan.n_chains)
        for state in plan.states
    ]


def _design(n_inputs: int, rng: np.random.Generator) -> CoalitionDesign:
    if n_inputs <= ALWAYS_EVERY:
        return every_coalition(n_inputs)
    return antithetic_chain(n_inputs, rng)


def _branches(chain: _Chain) -> list[Branch]:
    nothing = np.empty(0)
    return [
        Branch(chain.state, 0, nothing, noise=chain.replicate, hidden=~mask)
        for mask in chain.design.masks
    ]


def _worths(
    chains: Sequence[_Chain], futures: Sequence[Future]
) -> list[Float[np.ndarray, " coalitions"]]:
    """Return what each coalition earned, one array per chain that was run to its end."""
    returns = usable_returns(futures)
    worths: list[Float[np.ndarray, " coalitions"]] = []
    start = 0
    for chain in chains:
        stop = start + len(chain.design.masks)
        if stop > len(returns):
            break
        worths.append(returns[start:stop])
        start = stop
    return worths


# --- the answer ---


def _told(
    plan: _Plan,
    chains: Sequence[_Chain],
    worths: Sequence[Float[np.ndarray, " coalitions"]],
    futures: Sequence[Future],
) -> dict[int, list[int]]:
    """Return the positions of usable chains by start, for starts with at least two.

    A chain with a failed future has no sum and is left out as a whole.

    Raises:
        AgentError: The agent failed in more than half of the starts.
        EnvError: The environment did.
        BudgetError: The budget ended too early.
    """
    by_state: dict[int, list[int]] = {int(state): [] for state in plan.states}
    for position, worth in enumerate(worths):
        if np.isfinite(worth).all():
            by_state[chains[position].state].append(position)
    kept = {state: found for state, found in by_state.items() if len(found) >= MIN_CHAINS}
    check_enough(futures, len(kept), len(plan.states) // 2 + 1)
    if not kept:
        raise BudgetError(
            f"the budget ended after {len(futures)} episodes with hidden inputs, before any start "
            f"had been run {MIN_CHAINS} times",
            hint="a larger budget of environment steps and agent queries for this method",
        )
    return kept


def _content(
    task: Task,
    plan: _Plan,
    chains: Sequence[_Chain],
    worths: Sequence[Float[np.ndarray, " coalitions"]],
    kept: dict[int, list[int]],
) -> Attribution:
    shape = (len(kept), plan.n_inputs, 1)
    values, errors = np.empty(shape), np.empty(shape)
    ends = np.empty((len(kept), 2))
    for row, positions in enumerate(kept.values()):
        estimates = np.array([chains[p].design.matrix @ worths[p] for p in positions])
        values[row, :, 0] = estimates.mean(axis=0)
        errors[row, :, 0] = estimates.std(axis=0, ddof=1) / math.sqrt(len(positions))
        ends[row] = np.mean([worths[p][[0, -1]] for p in positions], axis=0)
    states = list(kept)
    names = task.episodes.names
    return Attribution(
        values=values,
        observations=flat(np.stack([task.episodes[s].observations[0] for s in states])),
        chosen=np.zeros(len(kept), dtype=np.int64),
        outputs=ends[:, 1:],
        baseline=ends[:, :1],
        standard_errors=errors,
        steps=np.array([(state, 0) for state in states], dtype=np.int64),
        input_names=names.inputs,
        output_names=(RETURN,),
        output_unit=RETURN,
    )


def _identity_error(content: Attribution) -> float:
    return efficiency_error(content.values.swapaxes(0, 1), content.baseline, content.outputs)
