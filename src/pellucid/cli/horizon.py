"""`pellucid horizon`: how far ahead a task makes an agent look, and where it is hard."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pellucid.cli.process import allow_working_directory, limit_threads, talk_through_stderr
from pellucid.cli.progress import progress_bar
from pellucid.cli.streams import write_json, write_lines, write_note
from pellucid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pellucid.tabular.horizon import HardState, HorizonAnalysis
    from pellucid.tabular.mdp import FiniteMDP


def horizon(
    env: Annotated[
        str,
        typer.Argument(
            metavar="ENV", help="Gymnasium id, module:callable, file.npz or bridge:NAME."
        ),
    ],
    steps: Annotated[
        int | None,
        typer.Option(
            "--horizon", metavar="T", min=1, help="Steps of an episode.", show_default="its own"
        ),
    ] = None,
    sticky: Annotated[
        float, typer.Option(metavar="P", help="Chance that the last action is repeated.")
    ] = 0.0,
    shaping: Annotated[
        list[str] | None,
        typer.Option(
            metavar="M:F",
            help="Takes the FiniteMDP, returns rewards to add; compared. May be repeated.",
            show_default=False,
        ),
    ] = None,
    wrap: Annotated[
        list[str] | None,
        typer.Option(
            metavar="M:F", help="A wrapper, innermost first. May be repeated.", show_default=False
        ),
    ] = None,
    actions: Annotated[
        str | None,
        typer.Option(metavar="0,1,..", help="The actions that are tried.", show_default="all"),
    ] = None,
    max_states: Annotated[
        int, typer.Option(metavar="N", min=1, help="Most states that are enumerated.")
    ] = 200_000,
    measure: Annotated[
        int,
        typer.Option(
            metavar="M", min=0, help="Run planning with up to M environment steps a plan too."
        ),
    ] = 0,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw it: an SVG file to write.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="Of the level.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no warnings.")] = False,
) -> int:
    """Say how hard a finite task is for random exploration, and which states make it so."""
    _prepare(plot, quiet=quiet or as_json)
    from pellucid.tabular.horizon import analyse, with_sticky_actions
    from pellucid.tabular.of_env import finite_mdp_of

    with progress_bar(shown=not (quiet or as_json)) as progress:
        task = finite_mdp_of(
            env, horizon=steps, actions=_numbers(actions), wrappers=tuple(wrap or ()),
            seed=seed, max_states=max_states, progress=progress,
        )  # fmt: skip
        shaped = [(name, _shaped(task, name)) for name in shaping or ()]

        def study(one: "FiniteMDP") -> "HorizonAnalysis":
            made = with_sticky_actions(one, sticky) if sticky else one
            return analyse(made, measure_budget=measure, seed=seed, progress=progress)

        found = study(task)
        compared = [(name, study(one), _kept(task, one)) for name, one in shaped]
    if plot is not None:
        _draw(plot, found, env)
    if measure and not found.bounded and not (quiet or as_json):
        write_note(f"--measure: planning was not run, because {CHANCE}")
    _tell(env, found, task.action_names, compared, as_json=as_json)
    return 0


CHANCE = "actions or starts are left to chance"
HARD = "where it is hard, each state at the step at which the best action is hardest to tell"

Compared = list[tuple[str, "HorizonAnalysis", float]]
"""Name of a shaping, what it makes of the task, and the share of the best return that its best
policy keeps under the rewards as they are."""


def _prepare(plot: Path | None, *, quiet: bool) -> None:
    limit_threads()
    talk_through_stderr(quiet=quiet)
    allow_working_directory()
    if plot is not None and plot.is_dir():
        raise InputError(f"expected a file for --plot, got the folder {plot}")


def _tell(
    env: str,
    found: "HorizonAnalysis",
    action_names: tuple[str, ...],
    compared: Compared,
    *,
    as_json: bool,
) -> None:
    names = action_names or tuple(f"action {a}" for a in range(found.n_actions))
    if as_json:
        write_json(document(env, found, names, compared))
    else:
        write_lines(text(env, found, names, compared))


def document(
    env: str, found: "HorizonAnalysis", names: tuple[str, ...], compared: Compared
) -> dict[str, Any]:
    """Return what `--json` prints; what is not known is null."""
    shaping = [
        {**_numbers_of(one, names), "shaping": name, "return_kept": kept}
        for name, one, kept in compared
    ]
    return {"env": env, **_numbers_of(found, names), "shaping": shaping}


def text(env: str, found: "HorizonAnalysis", names: tuple[str, ...], compared: Compared) -> str:
    """Return the analysis as lines for people."""
    left_out = f" ({found.n_unreached} more are out of reach)" if found.n_unreached else ""
    lines = [
        (
            f"{env}: {_count(found.n_states)} states{left_out}, {found.n_actions} actions, "
            f"episodes of {found.horizon} steps"
        ),
        (
            f"return: best {_show(found.best)}, exploring at random {_show(found.explored)}, "
            f"worst {_show(found.worst)}"
        ),
        "",
        f"k = {found.k}: {_lookahead(found)}",
    ]
    lines += _bounded_lines(found) if found.bounded else _chance_lines(found)
    lines += ["", f"{HARD}:", *(_hard_lines(found, names) or ["  nowhere"])]
    for name, one, kept in compared:
        lines += ["", f"with {name}: k = {one.k}, H = {_show(one.effective_horizon)}, {_need(one)}"]
        if kept < 1 - 1e-6:
            lines.append(
                f"  careful: its best policy gets {_show(100 * kept)} % of the best return "
                "under the rewards as they are"
            )
    return "\n".join(lines)


# --- lines ---


def _lookahead(found: "HorizonAnalysis") -> str:
    if found.k == 1:
        return "the action after which random play does best is always a best one"
    return (
        f"an agent must look {found.k - 1} decision{'s' if found.k > 2 else ''} past its action "
        "before random play tells the best one; greedy on random play gets "
        f"{_show(found.greedy_returns[0])}"
    )


def _bounded_lines(found: "HorizonAnalysis") -> list[str]:
    assert found.simple is not None
    assert found.tight is not None
    tight = found.tight.tightest
    rows = [
        ("planning by random rollouts, tight bound", min(x.env_steps for x in found.tight.levels)),
        (
            f"planning by random rollouts, simple bound (H = {_show(found.simple.horizon)})",
            found.horizon**2 * float(found.n_actions) ** found.simple.horizon,
        ),
        ("trying every action in every state", found.cover_steps),
        ("trying every sequence of actions", found.worst_case_steps),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [
        f"H = {_show(found.effective_horizon)}: {_need(found)}",
        "",
        "environment steps that are enough, at most (half of all runs):",
        *(f"  {name.ljust(width)}  {_count(value)}" for name, value in rows),
    ]
    if tight.m is not None:
        lines.append(
            f"  the tight bound plans {tight.k} ahead with {_count(tight.m)} episodes each"
        )
    if found.measured is not None and found.measured.solved:
        measured = found.measured
        lines.append(
            f"measured: {_count(measured.env_steps)} steps (median of {measured.n_runs} plans, "
            f"{_count(measured.m or 0)} episodes each; {_count(measured.restored_steps)} if states "
            "can be restored)"
        )
    elif found.measured is not None:
        lines.append("measured: no plan within the budget was optimal half of the time")
    return lines


def _chance_lines(found: "HorizonAnalysis") -> list[str]:
    why = f"{CHANCE}, so"
    if not found.with_chance:
        return [f"H: {why} only its form with chance applies, and no lookahead makes it finite"]
    best = min(found.with_chance, key=lambda level: level.horizon)
    told = f"H = {_show(best.horizon)} (form with chance, k = {best.k}): {why}"
    return [
        (
            f"{told} learning needs of the order of T^3 A^H steps per parameter; "
            "no bound in steps is known"
        )
    ]


def _need(found: "HorizonAnalysis") -> str:
    if not found.bounded:
        return "no bound in steps is known"
    return f"random exploration needs at most about {_count(found.predicted_steps)} steps"


def _hard_lines(found: "HorizonAnalysis", names: tuple[str, ...]) -> list[str]:
    then = "random play" if found.k == 1 else f"{found.k - 1} best actions and random play"
    lines = []
    for one in found.hard_states:
        best = max(range(len(names)), key=lambda action: one.values[action])
        rival = _rival(one, found)
        lines.append(
            f"  step {one.step}, {one.name} (random play is there with chance {_show(one.chance)})"
        )
        lines.append(
            f"    {names[best]}, then {then}, gets {_show(one.values[best])}; {names[rival]} "
            f"{_show(one.values[rival])}: to see the difference takes {_count(one.episodes)} "
            f"episode{'s' if one.episodes > 1 else ''} of each"
        )
    return lines


def _rival(one: "HardState", found: "HorizonAnalysis") -> int:
    """Return the action that looks best among those that are not."""
    top = max(one.best_values)
    worse = [a for a, value in enumerate(one.best_values) if value < top - 1e-9 * abs(top)]
    return max(worse, key=lambda action: one.values[action])


def _show(value: float) -> str:
    # three digits however small: the gaps of hard tasks are
    return f"{value:.3g}" if math.isfinite(value) else "unknown"


def _count(value: float) -> str:
    if not math.isfinite(value):
        return "not known to be enough" if value > 0 else "unknown"
    return f"{value:,.0f}" if value < 1e9 else f"{value:.2g}"


# --- json ---


def _numbers_of(found: "HorizonAnalysis", names: tuple[str, ...]) -> dict[str, Any]:
    simple, tight, measured = found.simple, found.tight, found.measured
    return {
        "states": found.n_states,
        "unreached": found.n_unreached,
        "actions": list(names),
        "horizon": found.horizon,
        "return": {"best": found.best, "explored": found.explored, "worst": found.worst},
        "k": found.k,
        "planning_window": found.planning_window,
        "greedy_returns": list(found.greedy_returns),
        "effective_horizon": _finite(found.effective_horizon),
        "predicted_steps": _finite(found.predicted_steps),
        "reason": "" if found.bounded else CHANCE,
        "simple": simple
        and {
            "horizon": simple.horizon,
            "levels": [{"k": x.k, "m": x.m, "horizon": x.horizon} for x in simple.levels],
        },
        "tight": tight
        and {
            "horizon": _finite(tight.tightest.horizon),
            "levels": [
                {"k": x.k, "m": x.m, "horizon": _finite(x.horizon), "steps": _finite(x.env_steps)}
                for x in tight.levels
            ],
        },
        "with_chance": [
            {"k": x.k, "gap": _finite(x.gap), "horizon": x.horizon} for x in found.with_chance
        ],
        "measured": measured
        and {
            "k": measured.k,
            "m": measured.m,
            "steps": _finite(measured.env_steps),
            "restored_steps": _finite(measured.restored_steps),
            "success": {
                "value": measured.success.value,
                "low": measured.success.low,
                "high": measured.success.high,
                "n": measured.success.n,
            },
        },
        "cover_steps": _finite(found.cover_steps),
        "worst_case_steps": _finite(found.worst_case_steps),
        "hard_states": [
            {
                "step": x.step,
                "state": x.state,
                "name": x.name,
                "values": list(x.values),
                "best_values": list(x.best_values),
                "gap": x.gap,
                "episodes": x.episodes,
                "chance": x.chance,
            }
            for x in found.hard_states
        ],
        "gap_profile": [_finite(gap) for gap in found.gap_profile],
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


# --- input ---


def _numbers(listed: str | None) -> tuple[int, ...] | None:
    if listed is None:
        return None
    try:
        return tuple(int(number) for number in listed.split(","))
    except ValueError:
        raise InputError(f"expected actions such as 0,1,2 for --actions, got {listed!r}") from None


def _shaped(task: "FiniteMDP", name: str) -> "FiniteMDP":
    import numpy as np

    from pellucid.io.imports import import_object

    make: Callable[..., Any] = import_object(name)
    try:
        extra = np.asarray(make(task), dtype=np.float64)
    except Exception as error:  # the user's function may raise anything
        raise InputError(f"{name} raised {type(error).__name__}: {error}") from error
    if extra.shape != task.rewards.shape:
        raise InputError(
            f"expected {name} to return rewards of shape {task.rewards.shape}, got {extra.shape}"
        )
    return task.with_rewards(task.rewards + extra)


def _draw(path: Path, found: "HorizonAnalysis", env: str) -> None:
    from pellucid.io.atomic import atomic_write
    from pellucid.tabular.horizon.picture import horizon_svg

    picture = horizon_svg(found, f"{env}: k = {found.k}, H = {_show(found.effective_horizon)}")
    with atomic_write(path) as file:
        file.write(picture)


def _kept(task: "FiniteMDP", shaped: "FiniteMDP") -> float:
    """Return which share of the best return the best policy for shaped rewards gets."""
    from pellucid.tabular import backward_induction
    from pellucid.tabular.horizon.table_learning import policy_value

    best = backward_induction(task).value
    got = policy_value(task, backward_induction(shaped).actions)
    worst = -backward_induction(task.with_rewards(-task.rewards)).value
    return (got - worst) / (best - worst) if best > worst else 1.0
