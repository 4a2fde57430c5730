"""What a run would cost, told before it is paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.api.explaining import plan_method
from pellucid.api.locating import Located, code_sha256, locate
from pellucid.api.logs import COMPARED_STATES
from pellucid.api.other_seeds import kept_for_other_seeds
from pellucid.api.request import (
    Request,
    check_time_limit,
    collection_cap,
    make_request,
    options_of,
    run_order,
    share_of,
    suited,
)
from pellucid.api.run_folder import (
    EPISODES,
    EXPLANATIONS,
    OTHER_SEEDS,
    RUN_FILE,
    RunFolder,
    changed_inputs,
    check_writable,
    read_run,
)
from pellucid.budget import Cost
from pellucid.errors import BudgetError, InputError, PellucidError
from pellucid.io import atomic
from pellucid.report.cards import cost_document
from pellucid.rollouts import Episodes, load_episodes


@dataclass(frozen=True)
class PlannedPart:
    """One part of a run.

    Args:
        name: `episodes`, or the method.
        most: The most it will use.
        expected: What it is expected to use, None if that is not known before the run.
        note: How the figures come about.
    """

    name: str
    most: Cost
    expected: Cost | None
    note: str


@dataclass(frozen=True)
class Plan:
    """What a run would use.

    Args:
        allowed: Budget of the whole run.
        parts: In the order in which they are made.
        left_out: What the budget leaves out, one sentence each.
    """

    allowed: Cost
    parts: tuple[PlannedPart, ...]
    left_out: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        return {
            "dry_run": True,
            "allowed": cost_document(self.allowed),
            "parts": [
                {
                    "name": part.name,
                    **cost_document(part.most),
                    "expected": None if part.expected is None else cost_document(part.expected),
                    "note": part.note,
                }
                for part in self.parts
            ],
            "left_out": list(self.left_out),
        }


def plan_all(
    agent: Any = None,
    env: Any = None,
    *,
    out: str | Path | None = None,
    wrappers: Sequence[str] = (),
    reward_terms: str | None = None,
    device: str = "cpu",
    policy_class: str | None = None,
    outputs: str | None = None,
    code: Sequence[str] = (),
    normalize: str | Path | None = None,
    logs: str | Path | None = None,
    fresh: bool = False,
    time_limit: float | None = None,
    **asked: Any,
) -> Plan:
    """Return what `explain_all` would use, without running the agent.

    Args:
        agent: As for `explain_all`.
        env: As for `explain_all`.
        out: Run folder; what it holds already costs nothing.
        wrappers: As for `explain_all`.
        reward_terms: As for `explain_all`.
        device: As for `explain_all`.
        policy_class: As for `explain_all`.
        outputs: As for `explain_all`.
        code: As for `explain_all`.
        normalize: As for `explain_all`.
        logs: As for `explain_all`.
        fresh: Whether what the folder holds is to be thrown away.
        time_limit: As for `explain_all`; only checked, since no plan knows how long work takes.
        asked: What `make_request` takes.

    Raises:
        PellucidError: As `explain_all` would, before any work.
    """
    check_time_limit(time_limit)
    request = make_request(**asked)
    if out is not None:
        check_writable(Path(out))
    located = locate(
        agent,
        env,
        wrappers=wrappers,
        reward_terms=reward_terms,
        device=device,
        policy_class=policy_class,
        outputs=outputs,
        code=code,
        normalize=normalize,
        logs=logs,
        n_episodes=request.n_episodes,
    )
    request = suited(request, located.agent)
    stored = None if fresh or out is None else _stored_run(request, located, Path(out))
    episodes = None
    if stored is not None and stored.part(EPISODES) is not None:
        episodes = load_episodes(stored.path / EPISODES)
    collecting, left_out = _plan_collecting(request, located, stored)
    parts, more = _plan_methods(request, located, collecting, stored, episodes)
    return Plan(request.allowed, (collecting, *parts), (*left_out, *more))


def _stored_run(request: Request, located: Located, folder: Path) -> RunFolder | None:
    if not (folder / RUN_FILE).is_file():
        return None
    run = read_run(folder)
    facts = located.facts
    inputs = request.inputs(facts.name, facts.sha256, code_sha256(located.agent), located.spec)
    inputs |= located.asked
    changed = changed_inputs(run.head["inputs"], inputs)
    if changed and run.parts:
        raise InputError(
            f"{folder} holds a run with other inputs: {', '.join(changed)}",
            hint="choose another --out, or start again with --fresh",
        )
    return run


def _plan_collecting(
    request: Request, located: Located, stored: RunFolder | None
) -> tuple[PlannedPart, list[str]]:
    part = stored.parts.get(EPISODES) if stored is not None else None
    if part is not None:
        return PlannedPart(EPISODES, part.used, part.used, "stored already"), []
    if located.log is not None:
        n_read = len(located.log.attempted)
        asked = min(COMPARED_STATES, request.allowed.queries)
        return PlannedPart(EPISODES, Cost(asked), None, f"{n_read} recorded episodes"), []
    max_steps = located.spec.max_steps
    cap = collection_cap(request, max_steps)
    full = request.n_episodes * max_steps
    most = min(full, cap.env_steps, cap.queries)
    expected = None
    note = f"{request.n_episodes} episodes of at most {max_steps} steps"
    if located.expected_steps is not None:
        likely = min(most, round(request.n_episodes * located.expected_steps))
        expected = Cost(likely, likely)
        note += f"; about {located.expected_steps:.0f} each by the agent's card"
    left_out = []
    if most < full:
        left_out.append(
            f"Episodes of {max_steps} steps would stop after {most // max_steps} of "
            f"{request.n_episodes}; shorter ones go further."
        )
    return PlannedPart(EPISODES, Cost(most, most), expected, note), left_out


def _plan_methods(
    request: Request,
    located: Located,
    collecting: PlannedPart,
    stored: RunFolder | None,
    episodes: Episodes | None,
) -> tuple[list[PlannedPart], list[str]]:
    parts: list[PlannedPart] = []
    left_out: list[str] = []
    used = collecting.expected or collecting.most
    kept = kept_for_other_seeds(request)
    left = request.allowed - used - kept
    methods = run_order(request.methods)
    for position, method in enumerate(methods):
        name = f"{EXPLANATIONS}/{atomic.safe_name(method)}"
        done = stored.parts.get(name) if stored is not None else None
        if done is not None:
            parts.append(PlannedPart(method, done.used, done.used, "stored already"))
            left = left - done.used
            continue
        share = share_of(left, methods[position:])
        parts.append(_plan_method(request, located, method, share, episodes, left_out))
        left = left - share
    if request.other_seeds:
        note = f"each explanation under {request.other_seeds} other seeds, cheap ones first"
        parts.append(PlannedPart(OTHER_SEEDS, kept, None, note))
    return parts, left_out


def _plan_method(
    request: Request,
    located: Located,
    method: str,
    share: Cost,
    episodes: Episodes | None,
    left_out: list[str],
) -> PlannedPart:
    if episodes is None:
        note = "an equal share of what is left; what it does not need goes to the next"
        return PlannedPart(method, share, None, note)
    try:
        expected = plan_method(
            located.agent,
            episodes,
            method=method,
            policy=request.policy,
            seed=request.seed,
            budget=share,
            options=options_of(method, request.options),
        )
    except (BudgetError, InputError) as error:
        left_out.append(f"{method}: {error}.")
        return PlannedPart(method, Cost(), Cost(), "cannot be made")
    except PellucidError as error:
        left_out.append(f"{method}: {error}.")
        return PlannedPart(method, share, None, "its cost is not known")
    note = "expected: the explanation alone; its tests use at most the rest"
    return PlannedPart(method, share, expected, note)
