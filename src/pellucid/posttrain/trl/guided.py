"""Hints where every completion failed, learned from without the hint, in TRL."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from pellucid.errors import CapabilityError, InputError
from pellucid.posttrain.objectives import (
    Batch,
    Prepared,
    Recipe,
    Recorded,
    guided_losses,
    likelihood_ratios,
    prepare,
    reduce_losses,
    shaping_constant,
    unsolved_groups,
)
from pellucid.posttrain.trl.batches import Completed, Sampled, padded, whole_batch, with_objective
from pellucid.posttrain.trl.method import Engine, Row, scored_batch, uniform_groups
from pellucid.posttrain.trl.rows import chosen_groups, most_of_any, with_prompts
from pellucid.types_torch import RowMask, TokenValues

GUIDED = "guided"
"""Key that is True for rows sampled under a hint."""

BEHAVIOUR = "guided_log_probs"
"""Key of guided rows' log-probabilities under the prompt with the hint; NaN elsewhere."""

SHAPING = "shaping_constant"
"""Key of γ, one number for the batch."""


@dataclass(frozen=True)
class Guidance:
    """Samples unsolved prompts again with a hint and scores those completions without it.

    A hinted group takes the place of the failed one if some of its completions are right and some
    are not.

    Args:
        hint_prompt: The prompt with the hint for a row of the data set (text or messages, like
            `prompt`); None where there is no hint.
        quantile: Of the guided tokens' ratios, for the shaping constant.
        filter_uniform: Do not count tokens of groups whose rewards are all equal.

    Source: Nath et al. 2025 (Guide); see `objectives.guided_losses`.
    """

    hint_prompt: Callable[[Row], Any]
    quantile: float = 0.9
    filter_uniform: bool = True
    name: ClassVar[str] = "guidance"

    def __post_init__(self) -> None:
        if not 0 <= self.quantile <= 1:
            raise InputError(f"the quantile must lie in 0..1, got {self.quantile}")

    def check(self, engine: Engine) -> None:
        """Refuse what would compare the two prompts by mistake, or is not defined for them."""
        options, recipe = engine.options, engine.recipe
        if recipe.kl or recipe.loss != "token_clip":
            raise CapabilityError(
                "guidance is defined for the loss 'token_clip' without a divergence",
                hint="set kl to 0 and loss to 'token_clip'",
            )
        if options.use_vllm and options.vllm_importance_sampling_correction:
            raise CapabilityError(
                "vLLM's correction takes the hint for a difference between engines",
                hint="vllm_settings(correction=False)",
            )
        if (
            options.per_device_train_batch_size
            * options.steps_per_generation
            % (options.num_generations)
        ):
            raise CapabilityError(
                "guidance samples whole groups again, but a process holds parts of a group",
                hint="choose rows_per_device so that a process holds a multiple of the group size",
            )

    def complete(self, sampled: Sampled, inputs: Sequence[Row], engine: Engine) -> Completed:
        """Return the batch in which hinted groups replaced failed ones."""
        if "tool_mask" in sampled.output:
            raise CapabilityError("guidance does not handle completions with tools")
        groups = self._failed(sampled, inputs, engine)
        n_groups = most_of_any(len(groups), engine.reducer, sampled.mask.device)
        guided = torch.zeros_like(sampled.mask[:, 0])
        behaviour = torch.full(sampled.mask.shape, torch.nan, device=guided.device)
        shaping = torch.ones((), device=guided.device)
        if n_groups:
            sampled, guided, behaviour, shaping = self._guided(
                sampled, inputs, engine, chosen_groups(groups, n_groups), len(groups)
            )
        # group statistics are of each response within its own group, whatever its prompt
        batch, total = scored_batch(sampled, engine, filter_uniform=self.filter_uniform)
        prepared = prepare(batch, engine.recipe, reducer=engine.reducer)
        completed = with_objective(sampled, batch, prepared, total, engine.reducer)
        further = {GUIDED: guided, BEHAVIOUR: behaviour, SHAPING: shaping}
        return Completed({**completed, **further}, sampled)

    def loss(
        self,
        log_probs: TokenValues,
        batch: Batch,
        prepared: Prepared,
        recipe: Recipe,
        inputs: Mapping[str, Any],
    ) -> Recorded:
        """Return the clipped loss of plain rows and the shaped loss of guided ones."""
        guided: RowMask = inputs[GUIDED]
        denominators = torch.where(guided[:, None], inputs[BEHAVIOUR], batch.behaviour_log_probs)
        losses, ledger = guided_losses(
            log_probs,
            denominators,
            prepared.advantages,
            prepared.weights != 0,
            guided,
            inputs[SHAPING],
            clip_low=recipe.clip_low,
            clip_high=recipe.clip_high,
        )
        total, contributions = reduce_losses(losses, prepared.weights)
        return Recorded(total, {**ledger, **contributions})

    def further_loss(
        self, engine: Engine, model: Any, inputs: Mapping[str, Any]
    ) -> Recorded | None:
        """Return None."""
        return None

    # --- sampling under the hint ---

    def _failed(self, sampled: Sampled, inputs: Sequence[Row], engine: Engine) -> list[int]:
        """Return this process's groups without a success whose prompt has a hint."""
        success, labels = engine.success(sampled), whole_batch(sampled).groups
        unsolved = unsolved_groups(success, labels, reducer=engine.reducer)
        firsts = range(0, sampled.n_rows, sampled.group_size)
        return [
            row // sampled.group_size
            for row in firsts
            if bool(unsolved[row]) and self.hint_prompt(inputs[row]) is not None
        ]

    def _guided(
        self,
        sampled: Sampled,
        inputs: Sequence[Row],
        engine: Engine,
        groups: list[int],
        n_own: int,
    ) -> tuple[Sampled, Tensor, Tensor, Tensor]:
        """Return the batch with hinted groups in it, which rows they are, and how they are scored.

        Every process samples as many groups: those beyond its own are sampled and dropped.
        """
        size = sampled.group_size
        rows = [group * size + member for group in groups for member in range(size)]
        prompts = [self._hinted(inputs[row]) for row in rows]
        hinted = engine.sample(
            with_prompts([inputs[row] for row in rows], prompts), samples_per_prompt=size
        )
        kept = self._kept(hinted, engine)
        kept[n_own * size :] = False
        places = torch.tensor(rows, device=kept.device)
        spliced = _spliced(sampled, hinted, places, kept)
        own, hint, ratios = self._scored(spliced, hinted, engine, places, kept)
        guided = torch.zeros_like(spliced.mask[:, 0])
        guided[places[kept]] = True
        behaviour = torch.full(spliced.mask.shape, torch.nan, device=kept.device)
        behaviour[places[kept]] = hint[kept]
        shaping = shaping_constant(
            ratios, own, kept, quantile=self.quantile, reducer=engine.reducer
        )
        return spliced, guided, behaviour, shaping.float()

    def _hinted(self, row: Row) -> Any:
        """Return the prompt with the hint; the plain one for a row that only fills up."""
        prompt = self.hint_prompt(row)
        return row["prompt"] if prompt is None else prompt

    def _kept(self, hinted: Sampled, engine: Engine) -> RowMask:
        success = engine.success(hinted)
        right = torch.where(torch.isnan(success), torch.nan, (success > 0).double())
        return ~uniform_groups(right, whole_batch(hinted).groups, engine.reducer)

    def _scored(
        self, spliced: Sampled, hinted: Sampled, engine: Engine, places: Tensor, kept: RowMask
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return mask, log-probabilities under the hint and ratios of the hinted rows."""
        width = spliced.mask.size(1)
        ids = padded(hinted.output["completion_ids"], width, 0)
        mask = padded(hinted.output["completion_mask"], width, 0)
        with torch.no_grad():
            contexts = [
                (hinted.output["prompt_ids"], hinted.output["prompt_mask"]),
                (spliced.output["prompt_ids"][places], spliced.output["prompt_mask"][places]),
            ]
            under_hint, plain = (
                engine.score(
                    engine.policy, prompt_ids=prompts, prompt_mask=seen, ids=ids, mask=mask
                ).log_probs
                for prompts, seen in contexts
            )
        return mask.bool(), under_hint, likelihood_ratios(plain, under_hint, mask.bool())


def _spliced(sampled: Sampled, hinted: Sampled, places: Tensor, kept: RowMask) -> Sampled:
    """Return the batch in which hinted completions stand behind the plain prompts."""
    output = {k: v for k, v in sampled.output.items() if k not in ("sampling_per_token_logps",)}
    width = max(sampled.mask.size(1), hinted.mask.size(1))
    chosen = places[kept]
    # the fill of ids is masked; padding ids of TRL's tokenizer need not be 0
    for key in ("completion_ids", "completion_mask", "old_per_token_logps"):
        if key in output:
            output[key] = padded(output[key], width, 0).clone()
    for key in ("completion_ids", "completion_mask"):
        output[key][chosen] = padded(hinted.output[key], width, 0)[kept]
    rewards, raw = dict(sampled.rewards), dict(sampled.raw)
    for mine, theirs in ((rewards, hinted.rewards), (raw, hinted.raw)):
        for name in mine:
            mine[name] = mine[name].clone()
            mine[name][chosen] = theirs[name][kept]
    texts = list(sampled.texts)
    for place, keep, text in zip(places.tolist(), kept.tolist(), hinted.texts, strict=True):
        if keep:
            texts[place] = text
    return replace(sampled, output=output, rewards=rewards, raw=raw, texts=texts)
