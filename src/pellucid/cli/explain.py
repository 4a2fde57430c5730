"""`pellucid explain`: collect, explain, test, report."""

import inspect
import shlex
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pellucid.api.stopping import Interrupted
from pellucid.cli.errors import INTERRUPTED
from pellucid.cli.explain_language import check_no_record_options, explain_record, names_record
from pellucid.cli.explain_team import explain_team_run, names_team
from pellucid.cli.explain_team import show as show_team
from pellucid.cli.process import (
    allow_working_directory,
    limit_threads,
    prepare_torch,
    raise_on_sigterm,
    talk_through_stderr,
)
from pellucid.cli.progress import progress_bar
from pellucid.cli.streams import terminal_width, write_json, write_lines, write_note
from pellucid.errors import InputError

if TYPE_CHECKING:
    from pellucid.api.language import LanguageRun
    from pellucid.api.planning import Plan
    from pellucid.api.running import Run
    from pellucid.api.teams import TeamRun

FAILED = 1


class Policy(StrEnum):
    """How the agent acts."""

    greedy = "greedy"
    sampled = "sampled"


class Outputs(StrEnum):
    """What a torch module returns."""

    logits = "logits"
    q_values = "q_values"
    mean = "mean"
    logits_and_value = "logits_and_value"
    mean_and_value = "mean_and_value"


class FailOn(StrEnum):
    """The badge from which on the command fails."""

    weak = "weak"
    failed = "failed"


# --- its arguments: what they are called and what --help says of them ---

AgentArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="AGENT",
        show_default=False,
        help="file.zip, a folder with card.json, module:callable, a run folder, or weights.pth "
        "or .safetensors with --policy-class, estimator.skops, or a log: minari:id or a folder; "
        "the LunarLander agent that ships with pellucid if none is given. "
        "For language models: the folder of a training run, of pellucid or TRL, or a .jsonl file "
        "of prompts, completions and rewards.",
    ),
]
EnvOption = Annotated[
    str | None,
    typer.Option(
        metavar="ENV",
        help="Gymnasium id, module:callable, or mpe2:name or pettingzoo:name for a team.",
        show_default=False,
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Run folder; a run in it is resumed. By default runs/<time>-<inputs>.",
        show_default=False,
    ),
]
BudgetOption = Annotated[
    int,
    typer.Option(metavar="N", min=0, help="Agent queries of the whole run, tests included."),
]
EnvStepsOption = Annotated[
    int,
    typer.Option(metavar="N", min=0, help="Environment steps of the whole run, replays included."),
]
MethodsOption = Annotated[
    str,
    typer.Option(metavar="A,B", help="Names from `pellucid list explainers`, with commas, or all."),
]
PolicyOption = Annotated[
    Policy, typer.Option(help="Most-likely actions, or actions drawn from the policy.")
]
EpisodeOption = Annotated[
    int | None,
    typer.Option(
        metavar="I",
        help="Episode to explain, for methods that explain one.",
        show_default=False,
    ),
]
StepOption = Annotated[
    int | None,
    typer.Option(
        metavar="T", help="Step to explain, for methods that explain one.", show_default=False
    ),
]
WrapOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="M:F",
        help="Wrapper of the environment, innermost first; may be repeated.",
        show_default=False,
    ),
]
NamesOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="YAML file with names and units of inputs and actions."),
]
GroupsOption = Annotated[
    str | None,
    typer.Option(
        metavar="GRID|FILE",
        help="Inputs to explain and hide together: image patches such as 8x8, or a YAML file with "
        "lists of inputs by name.",
        show_default=False,
    ),
]
RewardTermsOption = Annotated[
    str | None,
    typer.Option(
        metavar="M:F",
        help="Function of (observation, action, next observation, terminated) that returns the "
        "reward's terms by name; they must add up to it.",
        show_default=False,
    ),
]
JobsOption = Annotated[
    int, typer.Option(metavar="N", min=1, help="Worker processes; results do not depend on it.")
]
DeviceOption = Annotated[str, typer.Option(metavar="D", help="Device of the agent's weights.")]
PolicyClassOption = Annotated[
    str | None,
    typer.Option(
        metavar="M:C",
        help="Torch module whose weights a .pth or .safetensors file holds; your own code, called "
        "with (observation space, action space) or with nothing.",
        show_default=False,
    ),
]
OutputsOption = Annotated[
    Outputs | None,
    typer.Option(
        help="What a torch module returns: logits unless this says so, or mean where actions are "
        "continuous.",
        show_default=False,
    ),
]
CodeOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="M:F",
        help="Code of yours that a run folder or a card names and that may be imported; may be "
        "repeated.",
        show_default=False,
    ),
]
NormalizeOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="JSON with mean, var, clip_obs and epsilon, by which the agent's inputs were "
        "normalised while it learned; none says that they were not.",
        show_default=False,
    ),
]
LogsOption = Annotated[
    str | None,
    typer.Option(
        metavar="LOG",
        help="Recorded episodes of the agent in place of an environment: minari:id, a folder of "
        "Minari, or one with steps.npz, .parquet or .jsonl.",
        show_default=False,
    ),
]
SeedOption = Annotated[int, typer.Option(metavar="S", min=0, help="Seed of everything.")]
EpisodesOption = Annotated[int, typer.Option(metavar="N", min=1, help="Episodes to collect.")]
TimeLimitOption = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Stop after this time, report what is done, with badges of weak at best; the same "
        "--out goes on from there.",
        show_default=False,
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what it would cost, and stop.")]
FreshOption = Annotated[
    bool, typer.Option("--fresh", help="Start again, whatever the run folder holds.")
]
FailOnOption = Annotated[
    FailOn | None,
    typer.Option(
        help="Exit with 1 if an explanation failed its test (failed), or if one is not "
        "supported (weak).",
        show_default=False,
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document and nothing else.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", help="No progress and no warnings.")]


CompareOption = Annotated[
    Path | None,
    typer.Option(
        metavar="RUN",
        help="Training run of a language model to stand beside AGENT, prompt by prompt.",
        show_default=False,
    ),
]
HashTextsOption = Annotated[
    bool,
    typer.Option(
        "--hash-texts",
        help="Show hashes in place of prompts and answers of a language model.",
    ),
]
ReasoningOption = Annotated[
    bool,
    typer.Option(
        "--reasoning/--no-reasoning",
        help="Ask a language model, where its run keeps it, whether its answers depend on its "
        "stated reasoning.",
    ),
]
MarkerOption = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="What announces the answer in a language model's completions; looked for if not "
        "given.",
        show_default=False,
    ),
]


# --- the command ---


def explain(
    agent: AgentArgument = None,
    env: EnvOption = None,
    out: OutOption = None,
    budget: BudgetOption = 5_000_000,
    env_steps: EnvStepsOption = 400_000,
    methods: MethodsOption = "shapley,critical-steps,why-not,linear-model-tree",
    policy: PolicyOption = Policy.greedy,
    episode: EpisodeOption = None,
    step: StepOption = None,
    wrap: WrapOption = None,
    names: NamesOption = None,
    groups: GroupsOption = None,
    reward_terms: RewardTermsOption = None,
    jobs: JobsOption = 1,
    device: DeviceOption = "cpu",
    policy_class: PolicyClassOption = None,
    outputs: OutputsOption = None,
    code: CodeOption = None,
    normalize: NormalizeOption = None,
    logs: LogsOption = None,
    seed: SeedOption = 0,
    episodes: EpisodesOption = 20,
    time_limit: TimeLimitOption = None,
    dry_run: DryRunOption = False,
    fresh: FreshOption = False,
    fail_on: FailOnOption = None,
    compare: CompareOption = None,
    hash_texts: HashTextsOption = False,
    reasoning: ReasoningOption = True,
    answer_marker: MarkerOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Explain an agent or the training of a language model, test it, and write a report."""
    options = dict(locals())
    limit_threads()
    talk_through_stderr(quiet=quiet)
    allow_working_directory()
    if agent is not None and names_record(agent):
        return _exit_code(explain_record(agent, options, _defaults(), as_json=as_json), fail_on)
    check_no_record_options(options, _defaults())
    asked: dict[str, Any] = {
        "out": out,
        "methods": methods,
        "n_episodes": episodes,
        "seed": seed,
        "budget": budget,
        "env_steps": env_steps,
        "policy": policy.value,
        "episode": episode,
        "step": step,
        "wrappers": tuple(wrap or ()),
        "names": names,
        "groups": groups,
        "reward_terms": reward_terms,
        "device": device,
        "policy_class": policy_class,
        "outputs": None if outputs is None else outputs.value,
        "code": tuple(code or ()),
        "normalize": normalize,
        "logs": logs,
        "fresh": fresh,
        "time_limit": time_limit,
    }
    talk = not (quiet or as_json)
    if names_team(agent, env):
        return _team(agent, env, asked, jobs, dry_run, fail_on, as_json=as_json, talk=talk)
    if dry_run:
        return _dry_run(agent, env, asked, as_json=as_json)
    run, stopped = _explained(agent, env, asked, jobs, talk=talk)
    if as_json:
        write_json(run.document)
    else:
        _show(run)
    if stopped:
        write_note(f"pellucid: stopped; the same command with --out {run.folder} goes on from here")
        return INTERRUPTED
    if run.out_of_time:
        write_note(
            f"pellucid: stopped at the time limit; the same command with --out {run.folder} "
            "goes on from here"
        )
    return _exit_code(run, fail_on)


def _team(
    agent: str | None,
    env: str | None,
    asked: Mapping[str, Any],
    jobs: int,
    dry_run: bool,
    fail_on: FailOn | None,
    *,
    as_json: bool,
    talk: bool,
) -> int:
    if dry_run:
        raise InputError("the cost of a team is not told before it is run", hint="set --budget")
    command = command_line(agent, env, asked)
    run, stopped = explain_team_run(agent, env, asked, jobs=jobs, talk=talk, command=command)
    if as_json:
        write_json(run.document)
    else:
        show_team(run)
    if stopped or run.out_of_time:
        write_note(f"pellucid: stopped; the same command with --out {run.folder} goes on from here")
    return INTERRUPTED if stopped else _exit_code(run, fail_on)


def _explained(
    agent: str | None, env: str | None, asked: Mapping[str, Any], jobs: int, *, talk: bool
) -> "tuple[Run, bool]":
    """Return the run, and whether Ctrl-C stopped it."""
    from pellucid.api.running import explain_all

    prepare_torch()
    raise_on_sigterm()
    with progress_bar(shown=talk) as progress:
        try:
            run = explain_all(
                agent,
                env,
                **asked,
                jobs=jobs,
                progress=progress,
                command=command_line(agent, env, asked),
            )
        except Interrupted as stop:
            return stop.run, True
    if run.reused and talk:
        write_note(f"pellucid: {run.folder} was finished before; nothing was computed again")
    return run, False


def command_line(agent: str | None, env: str | None, asked: Mapping[str, Any]) -> str:
    """Return the command that makes the same run; what does not change results is left out."""
    words = ["pellucid", "explain"]
    if agent is not None:
        words.append(agent)
    if env is not None:
        words += ["--env", env]
    options = {
        "--budget": (asked["budget"], 5_000_000),
        "--env-steps": (asked["env_steps"], 400_000),
        "--methods": (asked["methods"], "shapley,critical-steps,why-not,linear-model-tree"),
        "--policy": (asked["policy"], "greedy"),
        "--episode": (asked["episode"], None),
        "--step": (asked["step"], None),
        "--names": (asked["names"], None),
        "--groups": (asked["groups"], None),
        "--reward-terms": (asked["reward_terms"], None),
        "--policy-class": (asked["policy_class"], None),
        "--outputs": (asked["outputs"], None),
        "--normalize": (asked["normalize"], None),
        "--logs": (asked["logs"], None),
        "--seed": (asked["seed"], 0),
        "--episodes": (asked["n_episodes"], 20),
    }
    for option, named in (("--wrap", asked["wrappers"]), ("--code", asked["code"])):
        for name in named:
            words += [option, name]
    for option, (value, default) in options.items():
        if value != default:
            words += [option, str(value)]
    return shlex.join(words)


def _dry_run(agent: str | None, env: str | None, asked: Mapping[str, Any], *, as_json: bool) -> int:
    from pellucid.api.planning import plan_all

    prepare_torch()
    plan = plan_all(agent, env, **asked)
    if as_json:
        write_json(plan.document())
    else:
        write_lines(plan_text(plan))
    return 0


def plan_text(plan: "Plan") -> str:
    """Return a plan as lines of text."""
    allowed = plan.allowed
    lines = [f"Budget: {allowed.queries} agent queries, {allowed.env_steps} environment steps"]
    for part in plan.parts:
        lines.append(
            f"{part.name}: at most {part.most.queries} queries, {part.most.env_steps} steps"
        )
        if part.expected is not None and part.expected != part.most:
            expected = part.expected
            lines.append(f"  expected {expected.queries} queries, {expected.env_steps} steps")
        lines.append(f"  {part.note}")
    lines += [f"Left out: {sentence}" for sentence in plan.left_out]
    return "\n".join(lines)


def _show(run: "Run") -> None:
    from pellucid.report.terminal import terminal_summary

    write_lines(terminal_summary(run.document, width=terminal_width(), report=run.report))


def _defaults() -> dict[str, Any]:
    """Return what each option of the command is if it is not given."""
    return {name: item.default for name, item in inspect.signature(explain).parameters.items()}


def _exit_code(run: "Run | LanguageRun | TeamRun", fail_on: FailOn | None) -> int:
    badges = {explanation["badge"] for explanation in run.document["explanations"]}
    if fail_on is FailOn.failed and "failed" in badges:
        return FAILED
    if fail_on is FailOn.weak and badges - {"supported"}:
        return FAILED
    return 0
