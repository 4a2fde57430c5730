"""Reward difference explanations: which terms of the reward decide for a choice (leaf B1q)."""

from dataclasses import dataclass

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Float, Int

from pellucid.agents.flatten import n_inputs
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError, DataError, InputError
from pellucid.explainers.reward.fitting import FittedParts, fit_parts, spread
from pellucid.explanation import Components, Fact, Finding, Sentences, Task, explainer, fact
from pellucid.explanation.options import EPISODE, STEP, chosen_episode, chosen_step
from pellucid.explanation.wording import show
from pellucid.kernels.minimal_sufficient import minimal_sufficient
from pellucid.kernels.returns import TERMS_TOLERANCE
from pellucid.kernels.reward_parts import stacked_terms, term_returns
from pellucid.rollouts import Branch, Future, run_branches
from pellucid.rollouts.allowed import allowed_at
from pellucid.rollouts.episodes import Episode, Episodes
from pellucid.rollouts.failures import check_enough, failure_warnings

DISCOUNT = 0.99
N_STATES, MIN_STATES = 20, 5
N_REPLICATES = 3
_WHOLE_FUTURE = 10**9
SIZES = (
    *((20, _WHOLE_FUTURE), (20, 50), (10, _WHOLE_FUTURE), (20, 20), (10, 50), (5, _WHOLE_FUTURE)),
    *((10, 20), (20, 5), (5, 50), (10, 5), (5, 20), (5, 5), (10, 1), (5, 1)),
)
"""States, and steps after which fitted values take over: the first size that is paid for."""

_QUESTION = "Which terms of the reward decide for its choices?"


@dataclass(frozen=True)
class _Plan:
    """What is run.

    Args:
        names: Of the terms.
        states: Shape (states, 2), episode and step; the one asked for first, if one was.
        n_steps: Followed before fitted values take over.
        asked: Whether the first state was asked for.
    """

    names: tuple[str, ...]
    states: Int[np.ndarray, "states 2"]
    n_steps: int
    asked: bool


@explainer(
    "reward-components",
    leaf="B1q",
    kind=Components,
    decisive="component_gap",
    source="Juozapaitis 2019 (RDX and MSX), on policy evaluation of a fixed agent",
    question=_QUESTION,
    sentences=Sentences(
        supported="{a} over {b} is worth {x} {unit}{mostly}; the terms add up to the whole within "
        "{e}. Forced in the environment, differences miss the told ones by {d} ({lo} to {hi}), "
        "permuted ones by {r}.",
        weak="{a} over {b} may be worth {x} {unit}{mostly}; but told differences miss forced ones "
        "by {d} ({lo} to {hi}), not clearly less than permuted ones ({r}).",
        thin="{a} over {b} may be worth {x} {unit}{mostly}; told differences miss forced ones by "
        "{d} ({lo} to {hi}), permuted ones by {r}; but {reason}.",
        failed="The terms do not tell why it chooses: they add up within {e}. Told differences "
        "miss forced ones by {d}, permuted ones by {r}.",
        not_measured="Which terms decide was not tested: {reason}. To test it: {need}.",
        does_not_say="that the terms are what the designer meant",
    ),
    needs=("environment",),
    options={
        **EPISODE,
        **STEP,
        "discount": f"weight of the next step, above 0 up to 1 ({DISCOUNT})",
    },
)
class RewardComponents:
    """Values of every action in some states, term by term, for the agent as it is.

    Each action is forced for one step from a visited state, and the agent goes on: Q_c(s, a) is the
    discounted sum of term c over so many steps as the budget pays for, plus the value of the state
    reached, fitted to what followed in the recorded episodes. Replicate r has the same noise for
    all actions of a state. The whole is the same estimate of the reward itself; by how much the
    terms miss it is the method's identity. RDX is the difference of the values of two actions, MSX
    the fewest terms that outweigh all that speaks against the choice.

    Deviation from Juozapaitis 2019: there the agent learns its values by term; here a fixed policy
    is evaluated, so that any agent can be explained. Values are those until the episode ends.
    """

    def plan(self, task: Task) -> Cost:
        """Return what the futures are expected to take."""
        n_actions = int(task.agent.action_space.n) if _fits(task) else 0
        plan = _plan(task)
        n = N_REPLICATES * n_actions * _expected(task.episodes, plan.states, plan.n_steps)
        return Cost(queries=n, env_steps=n)

    def explain(self, task: Task) -> Finding:
        """Force every action in every state, and say which terms decide."""
        _fits(task)
        plan = _plan(task)
        discount = _discount(task)
        fitted = fit_parts(task.episodes, lambda episode: _followed(episode, plan.names, discount))
        futures = _futures(task, plan)
        values, n_rounds = _values(task, plan, futures, fitted, discount)
        content = _content(task, plan, values, discount)
        error = np.abs(content.values.sum(axis=2) - content.whole)
        most, scale = float(np.nanmax(error)), float(np.nanmax(np.abs(content.whole)))
        focus = 0 if plan.asked else _clearest(content)
        return Finding(
            question=_question(task, content, focus),
            content=content,
            facts={
                **_facts(content, focus),
                "e": fact(most),
                "n_states": fact(len(content.values)),
                "discount": fact(discount),
            },
            complete=n_rounds == N_REPLICATES and len(content.values) == len(plan.states),
            identity_error=most / scale if scale else most,
            identity_tolerance=TERMS_TOLERANCE,
            warnings=failure_warnings(futures),
            left_out=_left_out(plan, n_rounds),
        )


# --- planning ---


def _fits(task: Task) -> bool:
    """Check that agent and environment offer what is needed.

    Raises:
        CapabilityError: No environment, another action space, or no terms.
        DataError: No episode.
    """
    if task.episodes.spec is None:
        raise CapabilityError(
            "forcing an action needs the environment, and these are logs without one",
            hint="give the environment; reward-when explains when the reward comes from logs alone",
        )
    space = task.agent.action_space
    if not isinstance(space, Discrete) or space.n < 2:
        raise CapabilityError(
            f"values of every action need two or more discrete actions, and there is {space}",
            hint="use why-not, which compares the terms of two actions of any kind",
        )
    n_inputs(task.agent.observation_space)
    if not len(task.episodes) or not len(task.episodes.visited):
        raise DataError("there is no finished episode to explain", hint="collect episodes first")
    return True


def _term_names(episodes: Episodes) -> tuple[str, ...]:
    """Return the terms of the reward, in the order in which they are first reported.

    Raises:
        CapabilityError: There are fewer than two, or one is unknown in some step.
    """
    names = tuple(dict.fromkeys(name for e in episodes.used for name in e.terms))
    if len(names) < 2:
        told = f"only one term of its reward, {names[0]}" if names else "no terms of its reward"
        raise CapabilityError(
            f"the environment reports {told}",
            hint="split the reward with --reward-terms; reward-when needs no terms, and why-not "
            "compares whole returns",
        )
    known = [np.isfinite(stacked_terms(e.terms, names, len(e))).all(axis=0) for e in episodes.used]
    missing = [name for i, name in enumerate(names) if not all(row[i] for row in known)]
    if missing:
        raise CapabilityError(
            f"the term {missing[0]} is unknown in some steps",
            hint="report every term in every step, 0 where it pays nothing",
        )
    return names


def _discount(task: Task) -> float:
    value = task.options.get("discount", DISCOUNT)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise InputError(f"the option discount must be above 0 and at most 1, got {value!r:.40}")
    return float(value)


def _plan(task: Task) -> _Plan:
    names = _term_names(task.episodes)
    asked = _asked(task)
    space = task.agent.action_space
    open_states = [
        (int(e), int(t))
        for e, t in task.episodes.visited_steps[spread(len(task.episodes.visited), 10 * N_STATES)]
        if len(allowed_at(task.episodes, int(e), int(t), space)) > 1
    ]
    if not open_states:
        raise CapabilityError("only one action is allowed in any state", hint="another environment")
    left = min(task.meter.left.queries, task.meter.left.env_steps)
    for n_states, n_steps in SIZES:
        chosen = [open_states[i] for i in spread(len(open_states), n_states)]
        if asked is not None:
            chosen = [asked, *(state for state in chosen if state != asked)][:n_states]
        states = np.array(chosen, dtype=np.int64)
        need = int(space.n) * _expected(task.episodes, states, n_steps)
        if N_REPLICATES * need <= left:
            return _Plan(names, states, n_steps, asked is not None)
    raise BudgetError(
        f"forcing {int(space.n)} actions in {len(states)} states needs {N_REPLICATES * need} "
        f"environment steps and agent queries; {left} are left",
        hint=f"a larger budget: at least {N_REPLICATES * need} environment steps for this method",
    )


def _asked(task: Task) -> tuple[int, int] | None:
    if task.options.get("step") is None:
        if task.options.get("episode") is not None:
            raise InputError("the option episode needs a step too", hint="give both")
        return None
    position = chosen_episode(task)
    step = chosen_step(task, position)
    assert step is not None
    if len(allowed_at(task.episodes, position, step, task.agent.action_space)) < 2:
        raise CapabilityError(
            f"only one action is allowed at step {step}", hint="another moment, with --step"
        )
    return position, step


def _expected(episodes: Episodes, states: Int[np.ndarray, "states 2"], n_steps: int) -> int:
    """Return environment steps of one future of each state, the way there included."""
    return sum(int(t) + min(n_steps, len(episodes[int(e)]) - int(t)) for e, t in states)


# --- estimating ---


def _followed(
    episode: Episode, names: tuple[str, ...], discount: float
) -> Float[np.ndarray, "steps terms_and_whole"]:
    terms = stacked_terms(episode.terms, names, len(episode))
    return term_returns(np.column_stack((terms, episode.rewards)), discount)


def _futures(task: Task, plan: _Plan) -> tuple[Future, ...]:
    """Run every action of every state, replicate after replicate, as far as the budget goes."""
    space = task.agent.action_space
    actions = np.arange(int(space.start), int(space.start + space.n), dtype=space.dtype)
    horizon = None if plan.n_steps == _WHOLE_FUTURE else plan.n_steps
    branches = [
        Branch(int(e), int(t), action[None], replicate, horizon)
        for replicate in range(N_REPLICATES)
        for e, t in plan.states
        for action in actions[_allowed(task, int(e), int(t))]
    ]
    futures: tuple[Future, ...] = run_branches(
        task.agent,
        task.episodes,
        branches,
        meter=task.meter,
        policy=task.policy,
        jobs=task.jobs,
        seed=task.seed,
        progress=task.progress,
        keep_observations=True,
    )
    return futures


def _allowed(task: Task, position: int, step: int) -> list[int]:
    space = task.agent.action_space
    return [a - int(space.start) for a in allowed_at(task.episodes, position, step, space)]


def _values(
    task: Task,
    plan: _Plan,
    futures: tuple[Future, ...],
    fitted: FittedParts,
    discount: float,
) -> tuple[Float[np.ndarray, "states actions terms_and_whole"], int]:
    """Return mean values over complete rounds without failures, and the number of rounds.

    Raises:
        BudgetError: There is no complete round.
        AgentError: The agent's failures have left too few states.
        EnvError: The environment's failures have.
    """
    allowed = [_allowed(task, int(e), int(t)) for e, t in plan.states]
    width = sum(len(actions) for actions in allowed)
    n_rounds = len(futures) // width
    if n_rounds == 0:
        raise BudgetError(
            f"the budget ended before every action was forced once: {len(futures)} of {width}",
            hint="a larger budget of environment steps for this method",
        )
    shape = (n_rounds, len(plan.states), int(task.agent.action_space.n), len(plan.names) + 1)
    values = np.full(shape, np.nan)
    remaining = iter(futures)
    for values_of_round in values:
        for state, actions in enumerate(allowed):
            step = int(plan.states[state, 1])
            found = [_value(next(remaining), plan, step, fitted, discount) for _ in actions]
            # one that failed takes its round along: all actions keep the same noise
            if np.isfinite(found).all():
                values_of_round[state, actions] = found
    usable = np.isfinite(values).any(axis=(0, 2, 3))
    check_enough(futures, int(usable.sum()), min(MIN_STATES, len(plan.states)))
    counted = np.isfinite(values).sum(axis=0)
    total = np.where(np.isfinite(values), values, 0.0).sum(axis=0)
    return np.where(counted > 0, total / np.maximum(counted, 1), np.nan), n_rounds


def _value(
    future: Future, plan: _Plan, step: int, fitted: FittedParts, discount: float
) -> Float[np.ndarray, " terms_and_whole"]:
    if future.failure is not None:
        return np.full(len(plan.names) + 1, np.nan)
    n = len(future)
    terms = stacked_terms(future.terms, plan.names, n)
    weights = discount ** np.arange(n)
    value = weights @ np.column_stack((terms, future.rewards))
    if future.terminated or future.truncated or plan.n_steps == _WHOLE_FUTURE:
        return np.asarray(value)
    assert future.observations is not None
    tail = fitted(future.observations[-1:], np.array([step + n]))[0]
    return np.asarray(value + discount**n * tail)


def _content(
    task: Task,
    plan: _Plan,
    values: Float[np.ndarray, "states actions terms_and_whole"],
    discount: float,
) -> Components:
    kept = np.isfinite(values).any(axis=(1, 2))
    states = plan.states[kept]
    start = int(task.agent.action_space.start)
    chosen = [int(task.episodes[int(e)].actions[int(t)]) - start for e, t in states]
    return Components(
        values=values[kept][:, :, :-1],
        whole=values[kept][:, :, -1],
        component_names=plan.names,
        output_names=task.episodes.names.actions,
        episodes=states[:, 0],
        chosen=np.array(chosen, dtype=np.int64),
        steps=states,
        discount=discount,
    )


# --- telling ---


def _clearest(content: Components) -> int:
    """Return the state in which the choice leads by most."""
    rows = np.arange(len(content.whole))
    lead = content.whole[rows, content.chosen] - content.whole[rows, content.rivals]
    return int(np.argmax(lead))


def _question(task: Task, content: Components, state: int) -> str:
    episode, step = content.steps[state]
    own, rival = (content.output_names[o[state]] for o in (content.chosen, content.rivals))
    index = task.episodes[int(episode)].index
    return f"Which terms decide for {own} over {rival} at step {step} of episode {index}?"


def _facts(content: Components, state: int) -> dict[str, Fact]:
    own, rival = int(content.chosen[state]), int(content.rivals[state])
    differences = content.values[state, own] - content.values[state, rival]
    found = minimal_sufficient(differences)
    reasons = [content.component_names[i] for i in found.reasons]
    against = [content.component_names[i] for i in found.counter_reasons]
    return {
        "a": fact(content.output_names[own]),
        "b": fact(content.output_names[rival]),
        "x": fact(float(content.whole[state, own] - content.whole[state, rival])),
        "mostly": fact(f", mostly from {' and '.join(reasons)}" if reasons else ""),
        "against": fact(" and ".join(against)),
        "t": fact(int(content.steps[state, 1])),
    }


def _left_out(plan: _Plan, n_rounds: int) -> tuple[str, ...]:
    sentences = []
    if len(plan.states) < N_STATES:
        sentences.append(f"{_QUESTION} {len(plan.states)} states are explained of {N_STATES}.")
    if plan.n_steps != _WHOLE_FUTURE:
        sentences.append(f"{_QUESTION} After {show(plan.n_steps)} steps fitted values take over.")
    if n_rounds < N_REPLICATES:
        sentences.append(f"{_QUESTION} {n_rounds} rounds of noise were run of {N_REPLICATES}.")
    return tuple(sentences)
