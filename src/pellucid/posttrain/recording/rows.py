"""The record of a training run: its head, and one typed row per update, sample and evaluation.

A number that is NaN and a value that is None were not measured. Nothing is ever filled in.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

ContextName = Literal["plain", "hinted", "answered"]
"""What a completion was sampled under; see `objectives.Context`."""
When = Literal["before", "during", "after"]
State = Literal["running", "finished", "interrupted", "stopped", "failed"]
"""`stopped`: training itself found that going on made no sense, and says why."""

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class UpdateRow:
    """One update of the policy; means are over the responses of its batch that were scored.

    Args:
        step: From 1.
        rewards: Mean raw reward by component.
        total: Mean of the weighted sum.
        gold_success: Share of responses whose answer is right, whatever the rewards say.
        n_samples: Responses in the batch.
        n_unscored: Those that no reward could score.
        n_groups: Prompts in the batch.
        n_groups_without_signal: Prompts whose responses all earned the same.
        entropy: Mean entropy per token, nats.
        kl: Mean divergence per token from the reference, nats.
        clip_fraction: Share of tokens whose ratio was clipped.
        grad_norm: Norm of the gradient before clipping.
        loss: The whole loss.
        policy_loss: Its part that comes from advantages, without divergence and further terms.
        learning_rate: As used.
        mean_length: Mean tokens per response.
        n_cut: Responses that reached the limit of tokens.
        seconds: Wall time of the update.
        extra: What the method adds, by name.
    """

    step: int
    rewards: Mapping[str, float] = field(default_factory=dict)
    total: float = math.nan
    gold_success: float = math.nan
    n_samples: int = 0
    n_unscored: int = 0
    n_groups: int = 0
    n_groups_without_signal: int | None = None
    entropy: float = math.nan
    kl: float = math.nan
    clip_fraction: float = math.nan
    grad_norm: float = math.nan
    loss: float = math.nan
    policy_loss: float = math.nan
    learning_rate: float = math.nan
    mean_length: float = math.nan
    n_cut: int | None = None
    seconds: float = math.nan
    extra: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class SampleRow:
    """One kept completion.

    Args:
        step: The update that it was sampled for.
        index: Row in that update's batch; with `step` it names the sample.
        prompt_id: Equal for all completions of one prompt.
        prompt: What it was sampled under, hint or answer included.
        completion: The text.
        scored_prompt: What it was scored under; None if that is `prompt`.
        context: What `prompt` adds to the plain one.
        rewards: Raw reward by component; NaN where the component could not score it.
        total: Weighted sum of the components.
        advantage: Mean advantage over its tokens.
        gold: The right answer.
        parsed: The answer that was found in the completion.
        correct: Whether the two agree.
        length: Tokens.
        cut: Whether it reached the limit of tokens.
        unscored_reason: Why it has no reward.
        n_characters: Length of the completion before it was shortened to be stored; None if it is
            whole.
    """

    step: int
    index: int
    prompt_id: str
    prompt: str
    completion: str
    scored_prompt: str | None = None
    context: ContextName = "plain"
    rewards: Mapping[str, float] = field(default_factory=dict)
    total: float = math.nan
    advantage: float = math.nan
    gold: str | None = None
    parsed: str | None = None
    correct: bool | None = None
    length: int | None = None
    cut: bool | None = None
    unscored_reason: str | None = None
    n_characters: int | None = None


@dataclass(frozen=True)
class TokenRow:
    """The tokens of one kept completion, and what the update did with each.

    Every list is as long as `tokens`, or None if it was not recorded. Stored with six digits.

    Args:
        step: As in its sample.
        index: As in its sample.
        tokens: Text of each token.
        log_probs: Of the policy that sampled them, nats.
        entropies: Of the policy before the update, nats.
        advantages: As the objective gave them out.
        ratios: Probability after, over before; of the last pass over the batch.
        clipped: Whether clipping stopped the gradient.
        counted: Whether the token is part of the loss.
        pushes: Advantage times ratio, after clipping and masks: minus the token's policy loss.
        weights: What the reduction gives the token; over a whole batch, the sum of weight times
            push is minus the policy loss.
    """

    step: int
    index: int
    tokens: tuple[str, ...]
    log_probs: tuple[float, ...] | None = None
    entropies: tuple[float, ...] | None = None
    advantages: tuple[float, ...] | None = None
    ratios: tuple[float, ...] | None = None
    clipped: tuple[bool, ...] | None = None
    counted: tuple[bool, ...] | None = None
    pushes: tuple[float, ...] | None = None
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name in TOKEN_LISTS:
            values = getattr(self, name)
            if values is not None and len(values) != len(self.tokens):
                raise ValueError(f"{name} has {len(values)} values for {len(self.tokens)} tokens")


TOKEN_LISTS = (
    "log_probs",
    "entropies",
    "advantages",
    "ratios",
    "clipped",
    "counted",
    "pushes",
    "weights",
)


@dataclass(frozen=True)
class EvaluationRow:
    """What the policy did with one held-out example.

    Args:
        when: Before training, during it, or after it.
        step: Updates made before this evaluation.
        example_id: Equal in all evaluations of the run.
        n: Completions drawn.
        n_correct: Right ones among them.
        prompt: The plain prompt.
        gold: The right answer.
        n_unscored: Completions that could not be judged.
        completions: The first of them, at most as many as the limits keep.
        parsed: The answer that was found in each of these; empty if that was not recorded.
    """

    when: When
    step: int
    example_id: str
    n: int
    n_correct: int
    prompt: str = ""
    gold: str | None = None
    n_unscored: int = 0
    completions: tuple[str, ...] = ()
    parsed: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class RunHead:
    """What is fixed when a run starts.

    Args:
        run_id: Its name.
        time: ISO 8601, UTC.
        command: What starts it again.
        engine: `native`, `trl`, or where it was imported from.
        method: Name of the method.
        seed: Seed of everything; None if unknown.
        n_updates: Updates planned; None if unknown.
        reward_weights: Weight of each reward component in `total`; empty if unknown.
        config: The configuration, plain JSON.
        versions: Of the packages that matter.
        hashes: SHA-256 by name: `model`, `dataset`, `split`, `code`.
        facts: What else the report tells: sizes of the split, the leak test, the device, ….
        kept: Limits of what is kept, in words and numbers.
        absent: By part (`updates`, `samples`, `tokens`, `evaluations`): why it is not recorded.
        purpose: What the user said the run is for.
    """

    run_id: str
    time: str = ""
    command: str = ""
    engine: str = ""
    method: str = ""
    seed: int | None = None
    n_updates: int | None = None
    reward_weights: Mapping[str, float] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    purpose: str = ""


@dataclass(frozen=True)
class RunRecord:
    """A training run as far as it was recorded.

    Args:
        head: What was fixed at its start.
        state: What became of it.
        diagnosis: Why it stopped, if it did so by itself.
        seconds: Wall time of all sessions that worked on it.
        updates: By step.
        samples: By step and index.
        tokens: By step and index; a sample need not have any.
        evaluations: In the order they were made.
        warnings: What the reader had to leave out.
    """

    head: RunHead
    state: State
    diagnosis: str = ""
    seconds: float = math.nan
    updates: tuple[UpdateRow, ...] = ()
    samples: tuple[SampleRow, ...] = ()
    tokens: tuple[TokenRow, ...] = ()
    evaluations: tuple[EvaluationRow, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def absent(self) -> Mapping[str, str]:
        """Parts that the record lacks, each with the reason."""
        return self.head.absent

    @property
    def reward_names(self) -> tuple[str, ...]:
        """Every reward component that occurs, in the order of their first appearance."""
        names = dict.fromkeys(self.head.reward_weights)
        for rewards in (row.rewards for rows in (self.updates, self.samples) for row in rows):
            names.update(dict.fromkeys(rewards))
        return tuple(names)

    def tokens_of(self, sample: SampleRow) -> TokenRow | None:
        """Return the token record of a sample, None if none was kept."""
        key = (sample.step, sample.index)
        return next((row for row in self.tokens if (row.step, row.index) == key), None)

    def evaluated(self, when: When) -> tuple[EvaluationRow, ...]:
        """Return the rows of the last evaluation of that kind."""
        steps = [row.step for row in self.evaluations if row.when == when]
        return tuple(row for row in self.evaluations if row.when == when and row.step == max(steps))
