"""The closed set of things that an explanation can contain.

Metrics, plots and report blocks are chosen by the kind of the content, never by the method's name.
All arrays are NumPy; all names are in the order of the axis that they label. The kinds are defined
in `content_decisions`, `content_announced`, `content_episodes`, `content_wholes` and `text_trace`.
"""

from typing import TypeAlias

from pellucid.explanation.content_announced import Amounts, Bands, Orders, Prediction, Readings
from pellucid.explanation.content_decisions import (
    PREDICTED_RETURN,
    QUANTITIES,
    RETURN,
    Attribution,
    Certificates,
    Components,
    CounterfactualStates,
)
from pellucid.explanation.content_episodes import (
    KEEPING,
    RETURN_LOST,
    Futures,
    Segments,
    Summary,
)
from pellucid.explanation.content_wholes import Contributions, Doses, Graph, Rules, Surrogate
from pellucid.explanation.text_trace import TextTrace

__all__ = [
    "KEEPING",
    "KINDS",
    "PREDICTED_RETURN",
    "QUANTITIES",
    "RETURN",
    "RETURN_LOST",
    "Amounts",
    "Attribution",
    "Bands",
    "Certificates",
    "Components",
    "Content",
    "Contributions",
    "CounterfactualStates",
    "Doses",
    "Futures",
    "Graph",
    "Orders",
    "Prediction",
    "Readings",
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
    | Amounts
    | Bands
    | Orders
    | Readings
    | Certificates
    | Graph
    | Summary
    | Contributions
    | Doses
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
        Amounts,
        Bands,
        Orders,
        Readings,
        Certificates,
        Graph,
        Summary,
        Contributions,
        Doses,
        TextTrace,
    )
}
