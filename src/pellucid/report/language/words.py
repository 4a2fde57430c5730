"""What the words of a report on a training run mean."""

from collections.abc import Mapping

MEANINGS: Mapping[str, tuple[str, str]] = {
    "prompt": (r"[Pp]rompts?", "What the model is asked; it answers each one several times."),
    "answer": (r"[Aa]nswers?", "What the model writes after a prompt, also called a completion."),
    "held-out": (r"[Hh]eld-out", "Prompts that were kept out of training, to test with."),
    "right answer": (
        r"[Rr]ight answers?|gold",
        "An answer that agrees with the gold one, whatever the rewards say.",
    ),
    "reward": (r"[Rr]ewards?", "The number that training makes larger; it has one or more terms."),
    "group": (
        r"[Gg]roups?",
        "All answers to one prompt at one step; they are compared with each other.",
    ),
    "advantage": (
        r"[Aa]dvantages?",
        "How much more an answer earned than its group: what the update goes by.",
    ),
    "push": (
        r"[Pp]ush(?:es|ed)?",
        "How strongly an update makes a word more or less likely.",
    ),
    "ratio": (r"[Rr]atios?", "How much likelier a word has become since it was written."),
    "clipped": (r"[Cc]lipped", "A word whose ratio went too far, so that it is pushed no further."),
    "interval": (
        r"intervals?|\d to \d",
        "The range in which the true value probably lies: {c} % of such ranges hold it.",
    ),
    "badge": (
        r"[Bb]adges?",
        "How far a finding can be relied on: supported, weak, failed or not measured.",
    ),
    "gap": (r"[Gg]ap", "How much better a finding does than its control."),
    "control": (r"[Cc]ontrols?", "The same test on something that should not pass it."),
    "unscored": (r"[Uu]nscor(?:ed|able)", "Without a number: left out of the mean and counted."),
    "divergence": (r"divergence", "How far the model has moved from the one it started from."),
    "uncertainty": (
        r"[Uu]ncertainty",
        "How open the choice of the next word was, in nats: zero if only one word was possible.",
    ),
    "context": (r"[Cc]ontexts?", "What stands before an answer when it is written or scored."),
}
"""By term: how it occurs, and its meaning in one sentence; those that readers need most first."""
