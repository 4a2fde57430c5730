"""Hints only where every response fails, learned without the hint."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from pellucid.errors import InputError
from pellucid.posttrain.native.methods.explaining import successes
from pellucid.posttrain.native.methods.method import Collected
from pellucid.posttrain.native.prompting import HINT_PROMPT
from pellucid.posttrain.native.responses import (
    Response,
    by_group,
    respond,
    without_uniform_groups,
)
from pellucid.posttrain.native.rollouts import Rollout, assembled, padded_prompts, rescored
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.native.teaching import taught
from pellucid.posttrain.objectives import (
    Batch,
    Context,
    Prepared,
    Recipe,
    Recorded,
    guided_losses,
    kl_losses,
    likelihood_ratios,
    policy_loss,
    prepare,
    reduce_losses,
    shaping_constant,
)
from pellucid.posttrain.tasks.example import Example
from pellucid.types_torch import RowMask, TokenValues

Correction = Literal["shaped", "none", "train_on_hint", "imitate"]
"""How hinted responses are learned; see `Guidance`."""


@dataclass(frozen=True)
class Guidance:
    """Samples plain responses; prompts where all fail are sampled once more under their hint.

    A hinted group takes the place of the failed one if some of its responses are right and some
    are not. It is learned behind the plain prompt, with its advantages within itself.

    Args:
        hint_prompt: The problem with its hint; examples without a hint are never hinted.
        correction: `shaped`: the ratio of plain and hinted prompt, as ρ / (ρ + γ), without a clip.
            `none`: as if the responses were the policy's own to the plain prompt. `train_on_hint`:
            behind the hinted prompt. `imitate`: right hinted responses are taught by likelihood
            behind the plain prompt, and the failed group stays.
        hinted_share: None for hints where all fail; otherwise this share of each update's prompts
            is sampled under hints from the start, and no other.
        filter_uniform: Learn nothing from groups whose rewards are all equal, as published.
        quantile: γ is this quantile of the hinted tokens' ratios.
        imitation_weight: Weight of the mean likelihood with `imitate`.

    Raises:
        InputError: A share or the quantile lies outside 0..1.

    Source: Nath et al. 2025 (Guide), with γ over the batch's own tokens once, not per micro-batch
    with padding. The failed responses themselves are not used, as published.
    """

    hint_prompt: Callable[[Example], str] = HINT_PROMPT
    correction: Correction = "shaped"
    hinted_share: float | None = None
    filter_uniform: bool = True
    quantile: float = 0.9
    imitation_weight: float = 1.0
    name: ClassVar[str] = "guidance"
    needs_reference: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.hinted_share is not None and not 0 <= self.hinted_share <= 1:
            raise InputError(f"hinted_share must lie in 0..1, got {self.hinted_share}")
        if not 0 <= self.quantile <= 1:
            raise InputError(f"quantile must lie in 0..1, got {self.quantile}")
        if self.correction not in ("shaped", "none", "train_on_hint", "imitate"):
            raise InputError(f"unknown correction {self.correction!r}")

    def collect(self, examples: Sequence[Example], session: Session) -> Collected:
        """Sample responses, and hinted ones where they are needed."""
        plain = respond(session, examples, purpose="plain")
        if self.hinted_share is None:
            chosen = self.failed(session, plain, examples)
        else:
            n_hinted = round(self.hinted_share * len(examples))
            chosen = [i for i, e in enumerate(examples[:n_hinted]) if e.hint is not None]
            plain = [r for r in plain if _place(session, r) not in set(chosen)]
        hinted = self._hinted(session, examples, chosen)
        n_generated = sum(response.n_written for response in [*plain, *hinted])
        right = [r for r, s in zip(hinted, successes(session, hinted), strict=True) if s > 0]
        learned = self._merged(session, plain, hinted)
        groups = by_group(learned)
        n_used = sum(members[0].context == Context.HINTED for members in groups.values())
        facts = {
            "share_hinted": len(chosen) / len(examples),
            "share_guided": n_used / len(groups),
            "n_right_hinted": float(len(right)),
        }
        if self.filter_uniform:
            learned = without_uniform_groups(learned)
        rollout = assembled(session, learned, n_generated=n_generated, facts=facts)
        auxiliary = None
        if self.correction == "imitate":
            auxiliary = taught(session, right, weight=self.imitation_weight)
        return Collected(self._with_denominators(session, rollout), auxiliary)

    def prepare(self, rollout: Rollout, session: Session) -> Prepared:
        """Return the recipe's advantages and weights, and γ in the ledger.

        Raises:
            InputError: The recipe clips anything but the ratio of each token.
        """
        if session.recipe.loss != "token_clip":
            raise InputError(
                f"guidance shapes the ratio of each token, but the recipe's loss is "
                f"'{session.recipe.loss}'",
                hint="use a recipe with the loss 'token_clip'",
            )
        batch = rollout.batch
        # recipes refuse hinted rows for the sake of their ratios, which are not taken from here
        plain = dataclasses.replace(batch, contexts=torch.zeros_like(batch.contexts))
        prepared = prepare(plain, session.recipe, reducer=session.reducer)
        if self.correction != "shaped":
            return prepared
        guided = is_guided(batch)
        mask = prepared.weights != 0
        # a group collective: every process takes part, hinted rows or not
        current = rescored(session, rollout, session.model)[0] if bool(guided.any()) else None
        old = denominators(batch)
        ratios = likelihood_ratios(old if current is None else current, old, mask)
        gamma = shaping_constant(
            ratios, mask, guided, quantile=self.quantile, reducer=session.reducer
        )
        used = ratios[mask & guided[:, None]].double()
        effective = used.sum().square() / used.square().sum().clamp(min=1e-300)
        facts = {"shaping": gamma, "effective_samples": effective, "n_guided_tokens": _count(used)}
        return dataclasses.replace(prepared, ledger=prepared.ledger | facts)

    def loss(
        self, log_probs: TokenValues, batch: Batch, prepared: Prepared, recipe: Recipe
    ) -> Recorded:
        """Return the clipped loss of plain rows and the shaped one of guided rows."""
        if self.correction != "shaped":
            return policy_loss(log_probs, batch, prepared, recipe)
        mask = prepared.weights != 0
        losses, ledger = guided_losses(
            log_probs,
            denominators(batch),
            prepared.advantages,
            mask,
            is_guided(batch),
            prepared.ledger["shaping"],
            clip_low=recipe.clip_low,
            clip_high=recipe.clip_high,
        )
        if recipe.kl and batch.reference_log_probs is not None:
            divergences, _ = kl_losses(
                log_probs, batch.reference_log_probs, mask, estimator=recipe.kl_estimator
            )
            losses = losses + recipe.kl * divergences
            ledger = {**ledger, "kl": divergences.detach()}
        total, contributions = reduce_losses(losses, prepared.weights)
        return Recorded(total, {**ledger, **contributions})

    # --- which responses ---

    def failed(
        self, session: Session, plain: Sequence[Response], examples: Sequence[Example]
    ) -> list[int]:
        """Return the places of examples that have a hint and were scored without a success."""
        success = dict.fromkeys(range(len(examples)), 0.0)
        n_scored = dict.fromkeys(range(len(examples)), 0)
        for response, value in zip(plain, successes(session, plain).tolist(), strict=True):
            if value == value:
                n_scored[_place(session, response)] += 1
                success[_place(session, response)] += value > 0
        return [
            i
            for i, example in enumerate(examples)
            if example.hint is not None and n_scored[i] and not success[i]
        ]

    def _hinted(
        self, session: Session, examples: Sequence[Example], chosen: Sequence[int]
    ) -> list[Response]:
        if not chosen:
            return []
        hinted = respond(
            session,
            [examples[i] for i in chosen],
            purpose="hinted",
            prompt_fn=self.hint_prompt,
            context=Context.HINTED,
        )
        moved = []
        for response in hinted:
            place = chosen[_place(session, response)]
            group = place * session.reducer.n_processes + session.rank
            scored_prompt = response.scored_prompt
            if self.correction == "train_on_hint":
                scored_prompt = response.prompt
            moved.append(dataclasses.replace(response, group=group, scored_prompt=scored_prompt))
        return moved

    def _merged(
        self, session: Session, plain: Sequence[Response], hinted: Sequence[Response]
    ) -> list[Response]:
        """Return the groups that are learned, hinted ones in the place of failed ones."""
        if self.correction == "imitate":
            return list(plain)
        groups = by_group(plain)
        for group, members in by_group(hinted).items():
            right = successes(session, members) > 0
            mixed = bool(right.any()) and not bool(right.all())
            if mixed or group not in groups:
                groups[group] = members
        return [response for group in sorted(groups) for response in groups[group]]

    # --- what they are compared with ---

    def _with_denominators(self, session: Session, rollout: Rollout) -> Rollout:
        """Set the log-probabilities that ratios are taken to, row by row.

        Of plain rows those of sampling; of hinted rows those under the hinted prompt, or, without
        correction, those that the policy has under the plain prompt.
        """
        batch = rollout.batch
        guided = is_guided(batch)
        if not bool(guided.any()) or self.correction == "train_on_hint":
            return rollout
        if self.correction == "none":
            own, _ = rescored(session, rollout, session.model)
        elif session.sampling.truncated:
            # the sampler's numbers are those of the truncated distribution
            prompts = padded_prompts(session, [r.prompt for r in rollout.responses])
            under_hint = dataclasses.replace(rollout, prompts=prompts)
            own, _ = rescored(session, under_hint, session.model)
        else:
            own = batch.behaviour_log_probs
        old = torch.where(guided[:, None], own, denominators(batch))
        return dataclasses.replace(rollout, batch=dataclasses.replace(batch, old_log_probs=old))


def denominators(batch: Batch) -> TokenValues:
    """Return the log-probabilities that ratios are taken to."""
    return batch.behaviour_log_probs if batch.old_log_probs is None else batch.old_log_probs


def is_guided(batch: Batch) -> RowMask:
    """Return True for rows that were sampled under a hint."""
    return batch.contexts == int(Context.HINTED)


def _place(session: Session, response: Response) -> int:
    """Return the position of a response's example in this process's share of the update."""
    return response.group // session.reducer.n_processes


def _count(values: Tensor) -> Tensor:
    return torch.tensor(float(len(values)))
