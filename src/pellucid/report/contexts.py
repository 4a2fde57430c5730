"""What a report says of agents whose answers depend on more than what they see."""

import numpy as np

from pellucid.report.record import RunRecord
from pellucid.report.said import Document, said


def what_it_goes_by(record: RunRecord) -> list[Document]:
    """Return a sentence each on the memory and on the allowed actions of an agent that has them."""
    told = []
    if "recurrent" in record.agent.capabilities:
        told.append(
            said(
                "It remembers earlier steps, so that what it sees at a step is not all it goes by."
            )
        )
    masks = record.episodes.visited_context.masks
    if "masks" in record.agent.capabilities and masks is not None and len(masks):
        told.append(
            said(
                "It chooses among what is allowed: at an average step {k} of {n} actions.",
                k=float(np.mean(masks.sum(axis=1))),
                n=masks.shape[1],
            )
        )
    return told


def what_is_held(record: RunRecord) -> list[Document]:
    """Return a sentence each on what stays as it was while a question changes what is seen."""
    told = []
    if "recurrent" in record.agent.capabilities:
        told.append(
            said("Where a question changes what it sees at a step, it remembers what it did then.")
        )
    if "masks" in record.agent.capabilities:
        told.append(
            said("An action that was not allowed at a step is never put in place of another one.")
        )
    return told
