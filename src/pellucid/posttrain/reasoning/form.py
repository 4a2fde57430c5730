"""How a language model is asked and how it writes its reasoning."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pellucid.errors import CapabilityError
from pellucid.posttrain.reasoning.edits import fill, paraphrase
from pellucid.posttrain.reasoning.splitting import MarkedAnswer, Splitter
from pellucid.types import Agent


@dataclass(frozen=True)
class ReasoningForm:
    """How a language model is asked and how it writes its reasoning.

    Args:
        splitter: Cuts its completions into steps and answer.
        notes_separator: What stands between unrelated text and the prompt behind it.
        hint_separator: What stands between a prompt and the hint behind it.
        mentions: Words that show that its reasoning speaks of a hint; case does not count.
        fill_fn: Returns fillers in place of steps; for a vocabulary without points.
        paraphrase_fn: Returns a step in other words that say the same, None if it knows none.
    """

    splitter: Splitter = field(default_factory=MarkedAnswer)
    notes_separator: str = "\n\n"
    hint_separator: str = "\n"
    mentions: tuple[str, ...] = ("hint", "suggest", "was told", "was given", "according to")
    fill_fn: Callable[[Sequence[str]], tuple[str, ...]] = fill
    paraphrase_fn: Callable[[str], str | None] = paraphrase

    def after_notes(self, notes: str, prompt: str) -> str:
        """Return a prompt with unrelated text before it; unchanged if there is none."""
        return f"{notes.rstrip()}{self.notes_separator}{prompt}" if notes.strip() else prompt

    def with_hint(self, prompt: str, hint: str) -> str:
        """Return a prompt with a hint behind it."""
        return f"{prompt}{self.hint_separator}{hint}"

    def speaks_of_hint(self, reasoning: str) -> bool:
        """Whether a text mentions the hint."""
        text = reasoning.lower()
        return any(word.lower() in text for word in self.mentions)


def form_of(agent: Agent) -> ReasoningForm:
    """Return how an agent is asked and writes.

    Args:
        agent: Not a metered one.

    Raises:
        CapabilityError: It is no language model.
    """
    if "text" not in agent.capabilities:
        raise CapabilityError(
            f"{agent.name} ({agent.framework}) states no reasoning: it writes no text",
            hint="a language model (pellucid.posttrain.reasoning.language_agent.LanguageAgent)",
        )
    form = getattr(agent, "form", None)
    return form if isinstance(form, ReasoningForm) else ReasoningForm()
