"""`pellucid query`: one question about an agent's choices, answered with short rules."""

import shlex
from typing import Annotated, Any

import typer

from pellucid.cli.explain_options import (
    AgentArgument,
    BudgetOption,
    CodeOption,
    EnvOption,
    EnvStepsOption,
    EpisodesOption,
    JobsOption,
    JsonOption,
    LogsOption,
    NamesOption,
    NormalizeOption,
    OutputsOption,
    Policy,
    PolicyClassOption,
    PolicyOption,
    QuietOption,
    SeedOption,
    WrapOption,
)
from pellucid.cli.process import (
    allow_working_directory,
    limit_threads,
    prepare_torch,
    raise_on_sigterm,
    talk_through_stderr,
)
from pellucid.cli.streams import write_json, write_lines, write_note
from pellucid.errors import InputError

WhenOption = Annotated[
    str | None,
    typer.Option(
        "--when",
        metavar="ACTION",
        help="When does it choose this action? Its name or number.",
        show_default=False,
    ),
]
WhatOption = Annotated[
    str | None,
    typer.Option(
        "--what",
        metavar="PREDICATE",
        help="What does it do there? Such as 'height < 0.5 and not left_leg'.",
        show_default=False,
    ),
]
WhyNotOption = Annotated[
    str | None,
    typer.Option(
        "--why-not",
        metavar="ACTION",
        help="Why not this action, at --episode and --step?",
        show_default=False,
    ),
]
OrderOption = Annotated[
    str | None,
    typer.Option(
        "--order",
        metavar="TASKS",
        help="Does it do these in this order? Such as 'near then held also lit then out'.",
        show_default=False,
    ),
]
PredicateOption = Annotated[
    list[str] | None,
    typer.Option(
        "--predicate",
        metavar="NAME=PREDICATE",
        help="A predicate to answer with, such as 'low = height < 0.5'; may be repeated.",
        show_default=False,
    ),
]
MostOption = Annotated[
    int | None,
    typer.Option(
        "--most-predicates",
        metavar="N",
        help="Predicates that are derived at most, where none are given.",
        show_default="6",
    ),
]
MomentEpisodeOption = Annotated[
    int | None,
    typer.Option("--episode", metavar="I", help="For --why-not.", show_default="the median one"),
]
MomentStepOption = Annotated[
    int | None, typer.Option("--step", metavar="T", help="For --why-not.", show_default="0")
]


def query(
    agent: AgentArgument = None,
    env: EnvOption = None,
    when: WhenOption = None,
    what: WhatOption = None,
    why_not: WhyNotOption = None,
    order: OrderOption = None,
    episode: MomentEpisodeOption = None,
    step: MomentStepOption = None,
    predicate: PredicateOption = None,
    most_predicates: MostOption = None,
    episodes: EpisodesOption = 20,
    seed: SeedOption = 0,
    policy: PolicyOption = Policy.greedy,
    budget: BudgetOption = 5_000_000,
    env_steps: EnvStepsOption = 400_000,
    wrap: WrapOption = None,
    names: NamesOption = None,
    policy_class: PolicyClassOption = None,
    outputs: OutputsOption = None,
    code: CodeOption = None,
    normalize: NormalizeOption = None,
    logs: LogsOption = None,
    jobs: JobsOption = 1,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Ask when it makes a choice, what it does in some states, why not another, in which order."""
    questions = {"when": when, "what": what, "why_not": why_not, "order": order}
    options: dict[str, Any] = {n: value for n, value in questions.items() if value is not None}
    if len(options) != 1:
        raise InputError(
            f"one of --when, --what, --why-not and --order is asked, got {len(options)}",
            hint="such as --when 1, or --what 'x[0] < 0.5'",
        )
    if why_not is None and (episode is not None or step is not None):
        raise InputError("--episode and --step are for --why-not")
    if order is not None and most_predicates is not None:
        raise InputError("--most-predicates is for --when and --why-not")
    more = {
        "episode": episode,
        "step": step,
        "predicates": tuple(predicate) if predicate else None,
        "most_predicates": most_predicates,
    }
    options |= {name: value for name, value in more.items() if value is not None}
    limit_threads()
    talk_through_stderr(quiet=quiet)
    allow_working_directory()
    asked: dict[str, Any] = {
        "method": "policy-queries" if order is None else "temporal-queries",
        "n_episodes": episodes,
        "seed": seed,
        "policy": policy.value,
        "budget": budget,
        "env_steps": env_steps,
        "wrappers": tuple(wrap or ()),
        "names": names,
        "policy_class": policy_class,
        "outputs": None if outputs is None else outputs.value,
        "code": tuple(code or ()),
        "normalize": normalize,
        "logs": logs,
        "jobs": jobs,
    }
    return _answer(agent, env, options, asked, as_json=as_json)


def _answer(
    agent: str | None,
    env: str | None,
    options: dict[str, Any],
    asked: dict[str, Any],
    *,
    as_json: bool,
) -> int:
    from pellucid.api.querying import query as answer_query
    from pellucid.kernels.predicates import PredicateError
    from pellucid.report.cards import card

    prepare_torch()
    raise_on_sigterm()
    try:
        answer = answer_query(
            agent, env, options=options, **asked, command=_command(agent, env, options)
        )
    except PredicateError as error:
        if not as_json:
            for line in error.pointed.split("\n"):
                write_note(line)
        raise
    if as_json:
        shown = card(answer, 0, answer.facts["unit"].text)
        write_json({"explanation": {**shown, **_details(answer)}})
    else:
        write_lines("\n".join([repr(answer), *_lines(answer)]))
    return 0


def _lines(answer: Any) -> list[str]:
    """Return every rule with what it covers, or every order with its share, a line each."""
    from pellucid.explanation.wording import show

    def percent(interval: dict[str, float]) -> tuple[str, str]:
        value, low, high = (show(100 * interval[end]) for end in ("value", "low", "high"))
        return f"{value} %", f"({low} to {high})"

    details = _details(answer)
    lines = []
    for rule in details.get("rules", ()):
        share, ends = percent(rule["precision"])
        covered = f"{rule['support']} held-out states"
        known = rule["support"] > 0 and share != "not measured %"
        told = f"right in {share} of {covered} {ends}" if known else f"not checked, {covered}"
        lines.append(f"    {rule['rule']}: {told}")
    for one in details.get("orders", ()):
        share, ends = percent(one["share"])
        lines.append(f"    {one['order']}: in {share} of {one['share']['n']} episodes {ends}")
    return lines


def _details(answer: Any) -> dict[str, Any]:
    """Return every rule, or every order, as plain values."""
    from pellucid.stats import proportion_interval

    content = answer.content
    if content is None:
        return {}
    if content.kind == "orders":
        shares = [proportion_interval(int(h.sum()), len(h)) for h in content.happened.T]
        named = zip(content.order_names, content.orders, shares, strict=True)
        return {
            "orders": [
                {
                    "order": name,
                    "condition": text,
                    "share": {"value": s.value, "low": s.low, "high": s.high, "n": s.n},
                }
                for name, text, s in named
            ]
        }
    columns = (
        content.rules,
        content.conditions,
        content.support.tolist(),
        content.precision.tolist(),
        content.precision_lows.tolist(),
        content.precision_highs.tolist(),
    )
    return {
        "rules": [
            {
                "rule": rule,
                "condition": condition,
                "support": support,
                "precision": {"value": value, "low": low, "high": high},
            }
            for rule, condition, support, value, low, high in zip(*columns, strict=True)
        ]
    }


def _command(agent: str | None, env: str | None, options: dict[str, Any]) -> str:
    words = ["pellucid", "query", *([agent] if agent else []), *(["--env", env] if env else [])]
    for name, value in options.items():
        option = f"--{name.removesuffix('s') if name == 'predicates' else name}".replace("_", "-")
        for item in value if isinstance(value, tuple) else (value,):
            words += [option, str(item)]
    return shlex.join(words)
