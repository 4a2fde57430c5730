"""`pellucid explain`: collect, explain, test, report."""

import inspect
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pellucid.api.stopping import Interrupted
from pellucid.cli.errors import INTERRUPTED
from pellucid.cli.explain_language import check_no_record_options, explain_record, names_record
from pellucid.cli.explain_options import (
    AgentArgument,
    BudgetOption,
    CodeOption,
    CompareOption,
    DeviceOption,
    DryRunOption,
    EnvOption,
    EnvStepsOption,
    EpisodeOption,
    EpisodesOption,
    FailOn,
    FailOnOption,
    FreshOption,
    GroupsOption,
    HashTextsOption,
    JobsOption,
    JsonOption,
    LogsOption,
    MarkerOption,
    MethodsOption,
    NamesOption,
    NormalizeOption,
    OtherSeedsOption,
    OutOption,
    OutputsOption,
    Policy,
    PolicyClassOption,
    PolicyOption,
    QuietOption,
    ReasoningOption,
    RewardTermsOption,
    SeedOption,
    StepOption,
    TimeLimitOption,
    WrapOption,
)
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
_SAME = (
    *("out", "methods", "seed", "budget", "env_steps", "episode", "step", "names", "groups"),
    *("other_seeds", "reward_terms", "device", "policy_class", "normalize", "logs", "fresh"),
    "time_limit",
)
"""Options that are called and given as `explain_all` has them."""


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
    other_seeds: OtherSeedsOption = 0,
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
    asked = _asked(options)
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


def _asked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `explain_all` beside agent, environment and workers."""
    outputs = options["outputs"]
    return {
        **{name: options[name] for name in _SAME},
        "n_episodes": options["episodes"],
        "policy": options["policy"].value,
        "wrappers": tuple(options["wrap"] or ()),
        "outputs": None if outputs is None else outputs.value,
        "code": tuple(options["code"] or ()),
    }


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
        "--other-seeds": (asked["other_seeds"], 0),
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
