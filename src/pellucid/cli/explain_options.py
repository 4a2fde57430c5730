"""Arguments of `pellucid explain`: what they are called and what `--help` says of them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


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
OtherSeedsOption = Annotated[
    int,
    typer.Option(
        metavar="K",
        min=0,
        max=20,
        help="Other seeds under which each explanation is made again, to show how much of it is "
        "chance. The budget is shared: 4 take up to two thirds of it.",
    ),
]
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
