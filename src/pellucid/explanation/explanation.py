"""The one result type of pellucid."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.budget import Cost
from pellucid.explanation.content import Content
from pellucid.explanation.score import Badge, Score
from pellucid.explanation.wording import Fact
from pellucid.types import PolicyMode

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Explanation:
    """An answer to one question about one agent, with the tests that it was put to.

    Args:
        method: Registered name of the explainer.
        leaf: Leaf of the survey's taxonomy, such as `C2`.
        question: What it answers, in words.
        target: `action`, `value` or `return`.
        policy: Whether actions were most-likely or sampled.
        content: One of the content kinds; None if it could not be made (`reason` says why).
        template: The sentence for this badge, with named facts.
        text: The sentence, filled in.
        does_not_say: What readers must not conclude.
        facts: Every value the sentences use.
        allowed: Budget given.
        used: Budget used, tests and controls included.
        seed: Seed of all randomness.
        complete: False if it was stopped early or the budget cut it short.
        faithfulness: One score per test and control.
        badge: By the rule of `faithfulness.badges`.
        decisive: Name of the score that decided the badge, None if there is none.
        reason: Why this badge; always filled for `not_measured`.
        need: What would allow the measurement, if not measured.
        provenance: Versions, hashes and command.
        warnings: What the reader should know.
        left_out: What the budget left out, one sentence each.
        seconds: Wall time; the only field that differs between equal runs.
        normalised: Whether the agent's inputs were normalised while it learned: `yes` (its
            statistics are in use), `no` (nothing says so) or `unknown` (something says so, and the
            statistics are missing).
    """

    method: str
    leaf: str
    question: str
    target: str
    policy: PolicyMode
    content: Content | None
    template: str
    text: str
    does_not_say: str
    facts: Mapping[str, Fact]
    allowed: Cost
    used: Cost
    seed: int
    complete: bool
    faithfulness: tuple[Score, ...] = ()
    badge: Badge = "not_measured"
    decisive: str | None = None
    reason: str = ""
    need: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    seconds: float = 0.0
    normalised: str = "no"

    def plot(self) -> "Figure":
        """Draw the content with Matplotlib, one plot per kind."""
        from pellucid.explanation.plots import plot_content

        return plot_content(self)

    def to_frame(self) -> "pd.DataFrame":
        """Return the content as a table, one row per smallest part."""
        from pellucid.explanation.frames import content_frame

        return content_frame(self.content)

    def save(self, path: str | Path) -> Path:
        """Write `<path>.json` and `<path>.safetensors`; return the path of the JSON file."""
        from pellucid.explanation.storage import save_explanation

        return save_explanation(self, Path(path))

    def export(self, path: str | Path) -> Path:
        """Write a tree as Python source (`.py`) or JSON (`.json`); return the path.

        Raises:
            InputError: Another ending.
            CapabilityError: The content is no tree.
        """
        from pellucid.explanation.exports import export_explanation

        return export_explanation(self, path)

    def __repr__(self) -> str:
        from pellucid.explanation.rendering import explanation_text

        return explanation_text(self)

    def _repr_html_(self) -> str:
        from pellucid.explanation.rendering import explanation_fragment

        return explanation_fragment(self)
