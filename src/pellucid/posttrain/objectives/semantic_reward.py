"""Rewards for explanations that say what an expert's explanation says.

They take similarities that an encoder computed; how texts become vectors is no part of them.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from pellucid.errors import InputError
from pellucid.types_torch import RowValues, Scalar


def similarity_above_floor(cosines: RowValues, floors: RowValues) -> RowValues:
    """Return (cos - b) / (1 - b), cut to 0..1: how far a text is from its topic to its reference.

    Args:
        cosines: Shape (rows,); cosine of each text with its reference.
        floors: Shape (rows,); b < 1, mean cosine of that reference with those of other questions.

    Raises:
        InputError: If a floor is 1 or more.

    Source: ours; it removes the high floor between texts of one topic that plain cosines
    (Pappone et al. 2025) have.
    """
    if bool((floors >= 1).any()):
        raise InputError("a floor must be below 1, got a reference equal to all others")
    return ((cosines - floors) / (1 - floors)).clamp(0.0, 1.0)


def sentence_similarity(cosines: Float[Tensor, "sentences reference_sentences"]) -> Scalar:
    """Return 2PR / (P + R), P = mean_i max_j cos_ij and R = mean_j max_i cos_ij.

    P falls with sentences that the reference has nothing like, R with those that are missing. A
    text without sentences scores 0; negative cosines count as 0.

    Raises:
        InputError: If the reference has no sentence.

    Source: ours; the greedy matching of Zhang et al. 2020 (BERTScore), over sentences.
    """
    if cosines.shape[1] == 0:
        raise InputError("the reference has no sentence")
    if cosines.shape[0] == 0:
        return cosines.new_zeros(())
    bounded = cosines.clamp(min=0.0)
    precision = bounded.amax(1).mean()
    recall = bounded.amax(0).mean()
    return 2 * precision * recall / (precision + recall).clamp(min=1e-12)


def length_factors(lengths: RowValues, reference_lengths: RowValues) -> RowValues:
    """Return exp(-|log(length / reference)|) outside a factor of 2 of the reference, 1 inside.

    Raises:
        InputError: If a reference has no length.
    """
    if bool((reference_lengths <= 0).any()):
        raise InputError("the reference of every text must have a positive length")
    quotient = lengths / reference_lengths
    factor = torch.minimum(quotient, 1 / quotient)
    return torch.where((quotient < 0.5) | (quotient > 2), factor, torch.ones_like(factor))


def gated_rewards(
    similarities: RowValues,
    right: RowValues,
    well_formed: RowValues,
    *,
    similarity_weight: float = 1.0,
    answer_weight: float = 1.0,
) -> RowValues:
    """Return r_fmt (w_a r_acc + w_s r_sem (0.5 + 0.5 r_acc)).

    Sounding like the expert is worth half if the answer is wrong, and nothing without the form.

    Args:
        similarities: Shape (rows,); r_sem in 0..1.
        right: Shape (rows,); r_acc, 1 where the answer is right.
        well_formed: Shape (rows,); r_fmt, 1 where the text has the form asked for.
        similarity_weight: w_s.
        answer_weight: w_a.

    Source: ours, against encoders that do not see negations and numbers; Pappone et al. 2025 add
    the three terms.
    """
    gated = similarities * (0.5 + 0.5 * right)
    return well_formed * (answer_weight * right + similarity_weight * gated)
