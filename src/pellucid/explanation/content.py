"""The closed set of things that an explanation can contain.

Metrics, plots and report blocks are chosen by the kind of the content, never by the method's name.
All arrays are NumPy; all names are in the order of the axis that they label. The kinds are defined
in `content_decisions`, `content_episodes`, `content_wholes` and `text_trace`.
"""

from typing import TypeAlias

from pellucid.explanation.content_decisions import (
    PREDICTED_RETURN,
    QUANTITIES,
    RETURN,
    Attribution,
    Certificates,
    Components,
    CounterfactualStates,
    Prediction,
)
from pellucid.explanation.content_episodes import (
    KEEPING,
    RETURN_LOST,
    Futures,
    Segments,
    Summary,
)
from pellucid.explanation.content_wholes import Contributions, Graph, Rules, Surrogate
from pellucid.explanation.text_trace import TextTrace

__all__ = [
    "KEEPING",
    "KINDS",
    "PREDICTED_RETURN",
    "QUANTITIES",
    "RETURN",
    "RETURN_LOST",
    "Attribution",
    "Certificates",
    "Components",
    "Content",
    "Contributions",
    "CounterfactualStates",
    "Futures",
    "Graph",
    "Prediction",
    "Rules",
    "Segments",
    "Summary",
    "Surrogate",
    "TextTrace",
]

Content: TypeAlias = (
    Attribution
    | Segments
    | Surrogate
    | CounterfactualStates
    | Futures
    | Components
    | Rules
    | Prediction
    | Certificates
    | Graph
    | Summary
    | Contributions
    | TextTrace
)

KINDS: dict[str, type[Content]] = {
    cls.kind: cls
    for cls in (
        Attribution,
        Segments,
        Surrogate,
        CounterfactualStates,
        Futures,
        Components,
        Rules,
        Prediction,
        Certificates,
        Graph,
        Summary,
        Contributions,
        TextTrace,
    )
}
