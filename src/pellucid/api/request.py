"""What a run is asked for, checked before any work."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from pellucid import __version__, registry
from pellucid.api.grouping import asked_groups
from pellucid.budget import Cost
from pellucid.envs import EnvSpec
from pellucid.errors import BudgetError, InputError
from pellucid.provenance import sha256_file
from pellucid.rollouts.episodes import Episodes
from pellucid.types import Agent, PolicyMode

DEFAULT_METHODS = ("shapley", "critical-steps", "why-not", "linear-model-tree")
MEMORY = "memory"
"""What an agent with a memory is asked beside these."""
DEFAULT_EPISODES = 20
DEFAULT_QUERIES, DEFAULT_ENV_STEPS = 5_000_000, 400_000
DEFAULT_BUDGET = Cost(DEFAULT_QUERIES, DEFAULT_ENV_STEPS)
MIN_EPISODES = 5
"""Episodes below which no badge can be given, and so a budget is refused that pays for fewer."""
_EXPLAINED = {"groups": "inputs"}
"""What the methods explain that take an option, where it is not one of what it is called."""
MOST_OTHER_SEEDS = 20
COLLECT_SHARE = 0.5
"""Share of the budget that collecting may use, unless `MIN_EPISODES` need more."""


@dataclass(frozen=True)
class Request:
    """Everything that a user decides about a run, beside agent and environment.

    Args:
        methods: Explainers, in order.
        n_episodes: Episodes to collect.
        seed: Seed of everything.
        allowed: Budget of the whole run.
        policy: Most-likely or drawn actions.
        options: For the methods: `episode`, `step` and `groups`, if given.
        names: File with names and units, None for the built-in ones.
        other_seeds: Seeds under which each explanation is made again, to tell how much of it is
            chance.
    """

    methods: tuple[str, ...] = DEFAULT_METHODS
    n_episodes: int = DEFAULT_EPISODES
    seed: int = 0
    allowed: Cost = DEFAULT_BUDGET
    policy: PolicyMode = "greedy"
    options: Mapping[str, Any] = field(default_factory=dict)
    names: Path | None = None
    other_seeds: int = 0

    def inputs(
        self, agent_name: str, agent_sha256: str, code_sha256: str, spec: EnvSpec
    ) -> dict[str, Any]:
        """Return everything that decides the results, as plain JSON values."""
        # only where they are asked for: runs from before there were any are resumed
        again = {"other_seeds": self.other_seeds} if self.other_seeds else {}
        return again | {
            "agent": agent_name,
            "agent_sha256": agent_sha256,
            "agent_code_sha256": code_sha256,
            "env": spec.id,
            "env_kwargs": dict(spec.kwargs) if spec.factory is None else {},
            "wrappers": list(spec.wrappers),
            "reward_terms": spec.reward_terms,
            "max_steps": spec.max_steps,
            "names_sha256": sha256_file(self.names) if self.names is not None else None,
            "methods": list(self.methods),
            "episodes": self.n_episodes,
            "policy": self.policy,
            "options": dict(self.options),
            "seed": self.seed,
            "budget": self.allowed.queries,
            "env_steps": self.allowed.env_steps,
            "pellucid": __version__,
        }


def check_type(name: str, value: Any, kind: type, hint: str | None = None) -> None:
    """Check the type of an argument, so that a mistake is told before any work.

    Raises:
        InputError: It is of another type; True and False are no numbers.
    """
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InputError(
            f"{name} must be of type {kind.__name__}, got {type(value).__name__}", hint=hint
        )


def check_types(
    agent: Any, *, method: Any = "", n_episodes: Any = 0, seed: Any = 0, budget: Any = None
) -> None:
    """Check what `collect` and `explain` take, before any work.

    Raises:
        InputError: One of them is of another type, or the seed is negative.
    """
    check_type("agent", agent, Agent, "make one with pellucid.load_agent")
    check_type("method", method, str)
    check_type("n_episodes", n_episodes, int)
    check_type("seed", seed, int)
    if seed < 0:
        raise InputError(f"the seed must be 0 or more, got {seed}")
    if budget is not None:
        check_type("budget", budget, Cost, "such as pellucid.budget.Cost(100_000, 10_000)")


def check_time_limit(seconds: Any) -> None:
    """Check a time limit, before any work.

    Raises:
        InputError: It is no number of seconds above 0.
    """
    if seconds is None:
        return
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not number or not 0 < seconds < math.inf:
        raise InputError(
            f"the time limit must be a number of seconds above 0, got {seconds!r}",
            hint="leave it out for none",
        )


def make_request(
    *,
    methods: str | Sequence[str],
    n_episodes: int,
    seed: int,
    budget: int,
    env_steps: int,
    policy: str,
    episode: int | None,
    step: int | None,
    names: str | Path | None,
    groups: str | None = None,
    other_seeds: int = 0,
) -> Request:
    """Check what a user asks for; the first mistake is raised.

    Raises:
        UnknownNameError: A method that is not registered; the hint suggests one.
        InputError: A number out of its range, a file that is not there, an option that none of
            the methods takes.
        BudgetError: It cannot pay for the smallest run.
    """
    numbers = {
        "n_episodes": n_episodes,
        "seed": seed,
        "budget": budget,
        "env_steps": env_steps,
        "episode": 0 if episode is None else episode,
        "step": 0 if step is None else step,
        "other_seeds": other_seeds,
    }
    for name, value in numbers.items():
        check_type(name, value, int)
    if policy not in get_args(PolicyMode):
        raise InputError(f"policy must be greedy or sampled, got {policy!r}")
    if n_episodes < 1:
        raise InputError(f"at least one episode is needed, got {n_episodes}")
    if seed < 0:
        raise InputError(f"the seed must be 0 or more, got {seed}")
    if not 0 <= other_seeds <= MOST_OTHER_SEEDS:
        raise InputError(
            f"other_seeds must be 0 to {MOST_OTHER_SEEDS}, got {other_seeds}",
            hint="4 are enough for an interval",
        )
    if episode is not None and not 0 <= episode < n_episodes:
        raise InputError(
            f"episode {episode} is out of range, {n_episodes} episodes are collected",
            hint=f"choose 0 to {n_episodes - 1}",
        )
    if step is not None and step < 0:
        raise InputError(f"step {step} is out of range", hint="the first step is 0")
    file = Path(names) if names is not None else None
    if file is not None and not file.is_file():
        raise InputError(f"there is no file {file}", hint="--names takes a YAML file")
    chosen = check_methods(methods)
    check_smallest(Cost(budget, env_steps), n_episodes)
    given = {"episode": episode, "step": step, "groups": asked_groups(groups)}
    options = {name: value for name, value in given.items() if value is not None}
    check_options(chosen, options)
    return Request(
        methods=chosen,
        n_episodes=n_episodes,
        seed=seed,
        allowed=Cost(budget, env_steps),
        policy="sampled" if policy == "sampled" else "greedy",
        options=options,
        names=file,
        other_seeds=other_seeds,
    )


def suited(request: Request, agent: Agent) -> Request:
    """Return the request with what else this agent should be asked, if its user named no methods.

    Args:
        request: From `make_request`.
        agent: One with a memory is asked what it remembers.
    """
    if request.methods != DEFAULT_METHODS or "recurrent" not in agent.capabilities:
        return request
    return replace(request, methods=(*DEFAULT_METHODS, MEMORY))


def check_methods(methods: str | Sequence[str]) -> tuple[str, ...]:
    """Return the methods asked for, each once, in order; `all` is every one that works.

    Raises:
        UnknownNameError: One is not registered.
        InputError: None is named.
    """
    listed = methods.split(",") if isinstance(methods, str) else methods
    if not isinstance(listed, Sequence) or not all(isinstance(name, str) for name in listed):
        raise InputError(f"methods must be names of explainers, got {methods!r}")
    wanted = [name.strip() for name in listed if name.strip()]
    known = registry.names("explainers")
    if wanted == ["all"]:
        working, _ = registry.load_all("explainers")
        return (*DEFAULT_METHODS, *(n for n in sorted(working) if n not in DEFAULT_METHODS))
    if not wanted:
        raise InputError("no method is named", hint=f"known: {', '.join(known)}")
    for name in wanted:
        if name not in known:
            raise registry.unknown_name("method", name, [*known, "all"])
    return tuple(dict.fromkeys(wanted))


def check_moment(request: Request, episodes: Episodes) -> None:
    """Check the episode and step asked for against what was collected.

    Raises:
        InputError: There is no such episode or step.
    """
    position, step = request.options.get("episode"), request.options.get("step")
    n_used = len(episodes)
    if position is not None and n_used and position >= n_used:
        raise InputError(
            f"episode {position} is out of range, {n_used} episodes could be used",
            hint=f"choose 0 to {n_used - 1}",
        )
    if step is None or not n_used:
        return
    lengths = [len(e) for e in (episodes.used if position is None else [episodes[position]])]
    if step >= max(lengths):
        raise InputError(
            f"step {step} is out of range, the episode has {max(lengths)} steps",
            hint=f"choose 0 to {max(lengths) - 1}",
        )


def check_options(methods: Sequence[str], options: Mapping[str, Any]) -> None:
    """Check that each option is one of at least one method, or it would be ignored in silence.

    Raises:
        InputError: No method takes it.
    """
    for name in options:
        if not any(name in options_of(method, options) for method in methods):
            working, _ = registry.load_all("explainers")
            takers = sorted(m for m, cls in working.items() if name in cls.info.options)
            raise InputError(
                f"--{name} is for methods that explain {_EXPLAINED.get(name, f'one {name}')}, and "
                "none is in this run: "
                f"{', '.join(methods)}",
                hint=f"methods that take it: {', '.join(takers)}",
            )


def options_of(method: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of a run's options that are for one method."""
    known = registry.load("explainers", method).info.options
    return {name: value for name, value in options.items() if name in known}


def run_order(methods: Sequence[str]) -> list[str]:
    """Return methods in the order in which they share a budget.

    Those that run the environment again first: they leave most agent queries over, and what a
    method leaves goes to the next. The report keeps the order in which they were asked for.
    """
    return sorted(
        methods, key=lambda m: "environment" not in registry.load("explainers", m).info.needs
    )


def share_of(left: Cost, methods: Sequence[str]) -> Cost:
    """Return what the first of the methods that are still to run may use, its tests included.

    An equal share of the agent queries, and of the environment steps an equal share among those
    methods that run the environment, themselves or in their tests.

    Args:
        left: What is left of the budget.
        methods: Those still to run, in the order of `run_order`.
    """
    running = [m for m in methods if registry.load("explainers", m).info.takes_steps]
    steps = left.share(1 / len(running)).env_steps if methods[0] in running else 0
    return Cost(left.share(1 / len(methods)).queries, steps)


def check_smallest(allowed: Cost, n_episodes: int) -> None:
    """Refuse a budget that cannot pay for one step of each episode that is needed.

    Raises:
        BudgetError: It cannot.
    """
    fewest = min(MIN_EPISODES, n_episodes)
    for have, what, option in (
        (allowed.queries, "agent queries", "--budget"),
        (allowed.env_steps, "environment steps", "--env-steps"),
    ):
        if have < fewest:
            raise BudgetError(
                f"the budget allows {have} {what}, and {fewest} episodes need at least {fewest}",
                hint=f"raise {option}",
            )


def collection_cap(request: Request, max_steps: int) -> Cost:
    """Return what collecting may use: half of the budget, or more if few episodes need it."""
    half = request.allowed.share(COLLECT_SHARE)
    fewest = min(MIN_EPISODES, request.n_episodes) * max_steps
    return Cost(
        min(request.allowed.queries, max(half.queries, fewest)),
        min(request.allowed.env_steps, max(half.env_steps, fewest)),
    )


def too_few_episodes(request: Request, n_collected: int, max_steps: int) -> BudgetError:
    """Return the error for a budget that paid for fewer episodes than any score needs."""
    fewest = min(MIN_EPISODES, request.n_episodes)
    need = fewest * max_steps
    allowed = request.allowed
    raise_these = [
        f"{option} to {need}"
        for have, option in ((allowed.queries, "--budget"), (allowed.env_steps, "--env-steps"))
        if have < need
    ]
    return BudgetError(
        f"the budget of {allowed.queries} agent queries and {allowed.env_steps} environment steps "
        f"paid for {n_collected} of at least {fewest} episodes, which need up to {need} of each",
        hint=f"raise {' and '.join(raise_these) or 'the budget'}",
    )
