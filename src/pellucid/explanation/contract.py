"""What an explainer is: a class with one method, tagged by a decorator."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar

from pellucid.budget import Cost, Meter
from pellucid.explanation.content import Content
from pellucid.explanation.groups import InputGroups
from pellucid.explanation.score import Direction, Role, Score
from pellucid.explanation.wording import Fact, Sentences
from pellucid.rollouts.episodes import Episodes
from pellucid.types import Agent, PolicyMode

TARGETS = ("action", "value", "return")
"""What can be explained: what the agent chooses, what it predicts, what it earns."""


@dataclass(frozen=True)
class Task:
    """Everything an explainer is given.

    Args:
        agent: The agent; every forward pass is charged to `meter`.
        episodes: Episodes of this agent; `episodes.spec` is None for logs without environment.
        meter: The budget of this explanation; charged by agent and rollouts, read by explainers.
        target: One of `TARGETS`.
        policy: Whether the agent acts greedily or by sampling.
        seed: Seed; use `seeds.stream(seed, method, …)` for generators.
        jobs: Worker processes; results must not depend on it.
        options: Options from the user; only those that the method declares.
        progress: Called with a share done in [0, 1].
    """

    agent: Agent
    episodes: Episodes
    meter: Meter
    target: str = "action"
    policy: PolicyMode = "greedy"
    seed: int = 0
    jobs: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    progress: Callable[[float], None] = lambda share: None


@dataclass(frozen=True)
class Finding:
    """What an explainer returns; the library adds scores, badge, text and provenance.

    Args:
        question: The question with its particulars filled in.
        content: The explanation itself.
        facts: Facts that this method's sentences use beside those of the decisive score
            (`d`, `lo`, `hi`, `r`, `n`).
        complete: False if the budget cut it short.
        identity_error: Error of the method's own identity (such as Shapley efficiency), relative
            to `identity_tolerance`; None if it claims none.
        identity_tolerance: Largest error at which the identity holds.
        warnings: What the reader should know.
        left_out: What the budget left out, one sentence each.
        groups: What an attribution's inputs are, if they are groups; tests hide the same ones.
    """

    question: str
    content: Content
    facts: Mapping[str, Fact]
    complete: bool = True
    identity_error: float | None = None
    identity_tolerance: float = 1e-4
    warnings: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    groups: InputGroups | None = None


@dataclass(frozen=True)
class ExplainerInfo:
    """What the registry, the CLI and the report know of an explainer without running it."""

    family: ClassVar[str] = "explainers"
    contract: ClassVar[tuple[str, ...]] = ("plan", "explain")
    name: str
    leaf: str
    kind: type[Content]
    decisive: tuple[str, ...]
    source: str
    question: str
    sentences: Sentences
    logged_sentences: Sentences
    needs: frozenset[str]
    targets: tuple[str, ...]
    axioms: tuple[str, ...]
    options: Mapping[str, str]
    on_record: bool = False
    runs_if_paid: bool = False

    @property
    def rerun_tells(self) -> bool:
        """Whether running the environment again could tell more of what is claimed.

        Not of what the agent predicts in given states, which is settled by asking it, nor of what
        its network holds there or of the recorded episodes themselves (`on_record`).
        """
        return not self.on_record and set(self.targets) != {"value"}

    @property
    def takes_steps(self) -> bool:
        """Whether it gets a share of the environment steps, for its tests or for itself."""
        return self.rerun_tells or self.runs_if_paid


class Explainer(Protocol):
    """Answers one question about an agent."""

    info: ClassVar[ExplainerInfo]

    def plan(self, task: Task) -> Cost:
        """Return the work that `explain` would do for this task, within `task.meter.left`.

        Raises:
            BudgetError: The budget is too small for the smallest meaningful answer.
            CapabilityError: Agent, environment or target do not fit; the hint says what would.
        """

    def explain(self, task: Task) -> Finding:
        """Answer. Never changes the agent, and never uses more than `task.meter.left`."""


T = TypeVar("T")


def explainer(
    name: str,
    *,
    leaf: str,
    kind: type[Content],
    decisive: str | tuple[str, ...],
    source: str,
    question: str,
    sentences: Sentences,
    logged_sentences: Sentences | None = None,
    needs: tuple[str, ...] = (),
    targets: tuple[str, ...] = ("action",),
    axioms: tuple[str, ...] = (),
    options: Mapping[str, str] | None = None,
    on_record: bool = False,
    runs_if_paid: bool = False,
) -> Callable[[type[T]], type[T]]:
    """Register a class as an explainer.

    Args:
        name: What users type, in kebab case.
        leaf: Leaf of the survey's taxonomy.
        kind: Content kind it returns.
        decisive: Metric that decides the badge, named before the run; a tuple is tried in order,
            the one that re-runs the environment first.
        source: `Name YEAR`, equation or section.
        question: What it answers, as a heading.
        sentences: The five sentences.
        logged_sentences: The five sentences when the decisive test is on logged states, because
            there is no environment to run again; the same ones if not given.
        needs: Capabilities of the agent, and `environment` if it must be run again.
        targets: What it explains. A method that explains another target in another way is an item
            of its own, named after both: `shapley` with target `return` is `shapley-return`.
        axioms: Identities it claims, checked by the contract tests.
        options: What `Task.options` may hold, each with a few words; any other name is refused.
        on_record: What it claims is of recorded states or episodes alone, so that a test on them
            does not make it weak.
        runs_if_paid: Whether it runs the environment, where there is one and the budget pays for
            it, for something that its claim does not rest on.
    """
    tests = (decisive,) if isinstance(decisive, str) else decisive
    info = ExplainerInfo(
        name,
        leaf,
        kind,
        tests,
        source,
        question,
        sentences,
        logged_sentences or sentences,
        frozenset(needs),
        targets,
        axioms,
        dict(options or {}),
        on_record,
        runs_if_paid,
    )

    def tag(cls: type[T]) -> type[T]:
        cls.info = info  # type: ignore[attr-defined]
        return cls

    return tag


@dataclass(frozen=True)
class Check:
    """Everything a metric is given.

    Args:
        finding: What the explainer returned.
        agent: The agent, charged to `meter`.
        episodes: The episodes that were explained.
        meter: The budget left for this explanation's tests.
        policy: Whether the agent acts greedily or by sampling.
        seed: Seed of the tests, a different stream from the explainer's.
        jobs: Worker processes; results must not depend on it.
        explain_fn: Explains again: `explain_fn(agent, episodes, meter) -> Finding`.
        axioms: Identities that the explainer claims.
    """

    finding: Finding
    agent: Agent
    episodes: Episodes
    meter: Meter
    policy: PolicyMode
    seed: int
    jobs: int
    explain_fn: Callable[[Agent, Episodes, Meter], Finding]
    axioms: tuple[str, ...] = ()


@dataclass(frozen=True)
class MetricInfo:
    """What the registry, the CLI and the report know of a metric without running it."""

    family: ClassVar[str] = "metrics"
    contract: ClassVar[tuple[str, ...]] = ("__call__",)
    name: str
    kind: type[Content]
    label: str
    direction: Direction
    unit: str
    role: Role
    closed_loop: bool
    source: str
    targets: tuple[str, ...] = TARGETS


class Metric(Protocol):
    """A test of explanations of one kind: a function tagged with `metric`."""

    info: MetricInfo

    def __call__(self, check: Check) -> tuple[Score, ...]:
        """Return one score per control, named `<metric>` or `<metric>.<control>`.

        Raises:
            CapabilityError: Agent or environment lack what the test needs.
            BudgetError: What is left does not pay for the smallest meaningful test.
        """


F = TypeVar("F", bound=Callable[..., Any])


def metric(
    name: str,
    *,
    kind: type[Content],
    label: str,
    direction: Direction,
    unit: str,
    source: str,
    role: Role = "test",
    closed_loop: bool = False,
    targets: tuple[str, ...] = TARGETS,
) -> Callable[[F], F]:
    """Register a function as a metric of one content kind.

    Args:
        name: What users type; scores are named after it.
        kind: Content kind that it scores.
        label: The test in words, as the report prints it.
        direction: Which values are better.
        unit: What is independent and resampled.
        source: `Name YEAR`, equation or section.
        role: `test`, or `sanity` for a check that can only lower a badge.
        closed_loop: Whether it runs the environment again.
        targets: Explanations of what it can score; those of others are not its business.
    """
    info = MetricInfo(name, kind, label, direction, unit, role, closed_loop, source, targets)

    def tag(function: F) -> F:
        function.info = info  # type: ignore[attr-defined]
        return function

    return tag
