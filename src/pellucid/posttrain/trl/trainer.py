"""TRL's trainer with the objectives of pellucid: three overridden methods, nothing else.

Importing this module imports TRL; `pellucid.posttrain.trl` itself does not.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, distributed
from trl import GRPOTrainer

from pellucid.errors import CapabilityError
from pellucid.posttrain.objectives import LOCAL, ProcessReducer, Recipe, Reducer, combined_rewards
from pellucid.posttrain.trl import internals
from pellucid.posttrain.trl.batches import IMAGES, ROWS, Sampled, micro_batch, written
from pellucid.posttrain.trl.internals import Scored
from pellucid.posttrain.trl.method import Method, Plain, Row
from pellucid.posttrain.trl.timers import OverrideTimer
from pellucid.posttrain.trl.trace import Trace
from pellucid.posttrain.trl.versions import check_hooks, check_output, check_trl
from pellucid.registry import unknown_name

NEUTRAL: Mapping[str, Any] = {
    "delta": None,
    "top_entropy_quantile": 1.0,
    "entropy_coef": 0.0,
    "use_adaptive_entropy": False,
    "off_policy_mask_threshold": None,
    "multi_objective_aggregation": "sum_then_normalize",
}
"""Options of TRL's own loss that this trainer's objectives do not read, so they must be off."""


class ObjectiveTrainer(GRPOTrainer):  # type: ignore[misc,unused-ignore]
    """Trains with `objectives` in place of TRL's advantages and loss, on all that TRL can run on.

    Takes the arguments of TRL's trainer. Of its options, those of the loss (`loss_type`,
    `scale_rewards`, `epsilon`, …) are not read: the recipe decides.

    Args:
        recipe: Advantage, loss and reduction; any.
        method: What is sampled and learned beside the recipe; `Plain` if None.
        gold: The reward function that says whether a completion is right, for methods that ask; the
            weighted sum if None.

    Set `tracing` to keep what the loss made of each token in `trace`; `timer` measures the time in
    the overridden methods.

    Raises:
        CapabilityError: TRL is not of a tested release, lacks a hook, or has an option on that
            would be ignored; or the method cannot work with an option.
        UnknownNameError: No reward function is called `gold`.
    """

    def __init__(
        self,
        *args: Any,
        recipe: Recipe,
        method: Method | None = None,
        gold: str | None = None,
        **kwargs: Any,
    ) -> None:
        check_trl()
        check_hooks(GRPOTrainer)
        super().__init__(*args, **kwargs)
        internals.check_internals(self)
        self.recipe = recipe
        self.method: Method = Plain() if method is None else method
        self.gold = gold
        self.timer = OverrideTimer()
        self.tracing = False
        self.trace: Trace | None = None
        self._sampled_rewards: Tensor | None = None
        self._completions: Sequence[Any] = ()
        _check_options(self.args, recipe)
        if gold is not None and gold not in distinct(self.reward_func_names):
            raise unknown_name("reward", gold, distinct(self.reward_func_names))
        if self.aux_loss_enabled:
            raise CapabilityError(
                "the model's router loss would be ignored", hint="set router_aux_loss_coef to 0"
            )
        self.method.check(self)

    # --- what a method may ask; see `method.Engine` ---

    @property
    def reducer(self) -> Reducer:
        """The reducer over the processes that share the batch."""
        alone = self.accelerator.num_processes == 1 or not distributed.is_initialized()
        return LOCAL if alone else ProcessReducer()

    @property
    def options(self) -> Any:
        """The `GRPOConfig`."""
        return self.args

    @property
    def policy(self) -> Any:
        """The model that is trained, as TRL wraps it for forward passes without a gradient."""
        return self.model

    def sample(self, inputs: Sequence[Row], *, samples_per_prompt: int) -> Sampled:
        """Sample and score rows once more, beside TRL's logs."""
        with internals.unlogged(self), internals.groups_of(self, samples_per_prompt):
            return self._sampled(inputs, added=True)

    def score(
        self,
        model: Any,
        *,
        prompt_ids: Tensor,
        prompt_mask: Tensor,
        ids: Tensor,
        mask: Tensor,
    ) -> Scored:
        """Return log-probabilities and entropies of completions under any prompts."""
        with self.timer.elsewhere(added=True):
            return internals.score(
                self, model, prompt_ids=prompt_ids, prompt_mask=prompt_mask, ids=ids, mask=mask
            )

    def success(self, sampled: Sampled) -> Tensor:
        """Return what says of each row whether it is right (above 0); NaN where nothing does."""
        if self.gold is None:
            return combined_rewards(sampled.rewards).value
        return sampled.raw[self.gold]

    def finished(self, sampled: Sampled) -> Tensor:
        """Return True for completions that the policy ended itself."""
        ends = torch.tensor(internals.end_ids(self), device=sampled.mask.device)
        return (torch.isin(sampled.output["completion_ids"], ends) & sampled.mask).any(1)

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a completion with this text, the end included."""
        ids = self.processing_class(text, add_special_tokens=False)["input_ids"]
        return [*ids, int(self.processing_class.eos_token_id)]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of a completion."""
        return str(self.processing_class.decode(list(ids), skip_special_tokens=True))

    # --- the three hooks ---

    def _calculate_rewards(
        self,
        inputs: Sequence[Row],
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids_list: Sequence[Sequence[int]],
    ) -> Tensor:
        """Keep the rewards of all processes, which TRL's output lacks."""
        rewards: Tensor = super()._calculate_rewards(
            inputs, prompts, completions, completion_ids_list
        )
        self._sampled_rewards, self._completions = rewards.detach(), list(completions)
        return rewards

    def _generate_and_score_completions(self, inputs: Sequence[Row]) -> dict[str, Any]:
        """Replace TRL's advantages; all statistics are finished here, before rows are shuffled."""
        with self.timer.override():
            sampled = self._sampled(inputs)
            output, sampled, taught = self._current_method().complete(sampled, inputs, self)
            reducer = self.reducer
            # one advantage per row in TRL's table: the mean over its tokens
            mask = written(output)
            means = (output["advantages"] * mask).sum(1) / mask.sum(1).clamp(min=1)
            internals.set_logged_advantages(self, reducer.gather(means))
            if self.tracing and internals.mode_of(self) == "train":
                self.trace = Trace.of(sampled, inputs, output, taught)
            return output

    def _compute_loss(self, model: Any, inputs: Mapping[str, Any]) -> Tensor:
        """Return the objective's loss of a micro-batch, at the scale that TRL expects."""
        with self.timer.override():
            with self.timer.elsewhere():
                scored = internals.score(
                    self,
                    model,
                    prompt_ids=inputs["prompt_ids"],
                    prompt_mask=inputs["prompt_mask"],
                    ids=inputs["completion_ids"],
                    mask=inputs["completion_mask"],
                    images={key: inputs[key] for key in IMAGES if key in inputs},
                )
            method = self._current_method()
            batch, prepared = micro_batch(inputs, scored.log_probs)
            loss, ledger = method.loss(scored.log_probs, batch, prepared, self.recipe, inputs)
            further = method.further_loss(self, model, inputs)
            if further is not None:
                loss, ledger = loss + further.value, {**ledger, **further.ledger}
            self._log(scored, ledger, prepared.weights != 0)
            if self.trace is not None and internals.mode_of(self) == "train":
                self.trace.add(inputs[ROWS], scored, ledger, prepared, kl=self.recipe.kl)
            return loss * internals.loss_scale(self)

    # --- inside ---

    def _current_method(self) -> Method:
        return self.method if internals.mode_of(self) == "train" else Plain()

    def _sampled(self, inputs: Sequence[Row], *, added: bool = False) -> Sampled:
        """Return what TRL sampled for some rows, with this process's rewards by component."""
        with self.timer.elsewhere(added=added):
            output = super()._generate_and_score_completions(list(inputs))
        check_output(output, len(inputs))
        if self._sampled_rewards is None:
            raise CapabilityError("TRL's trainer scored completions without `_calculate_rewards`")
        rank = int(self.accelerator.process_index)
        own = self._sampled_rewards[rank * len(inputs) : (rank + 1) * len(inputs)].double()
        names = distinct(self.reward_func_names)
        weights = self.reward_weights.tolist()
        raw = {name: own[:, column] for column, name in enumerate(names)}
        learned = {
            name: weight * raw[name] for name, weight in zip(names, weights, strict=True) if weight
        }
        size = internals.group_size(self)
        return Sampled(output, learned, size, rank, list(self._completions), raw)

    def _log(self, scored: Scored, ledger: Mapping[str, Tensor], counted: Tensor) -> None:
        """Add the means of this micro-batch to what TRL logs."""
        n_tokens = counted.sum().clamp(min=1)
        names = {"kl": "kl", "clipped": "clip_ratio/region_mean"}
        values = {name: ledger[key] for key, name in names.items() if key in ledger}
        values["entropy"] = scored.entropies.detach()
        for name, value in values.items():
            mean = torch.where(counted, value.float(), 0.0).sum() / n_tokens
            internals.log_metric(self, name, mean.item())


def distinct(names: Sequence[str]) -> list[str]:
    """Return the names, repeated ones numbered.

    Example:
        >>> distinct(["right", "form", "right"])
        ['right', 'form', 'right 2']
    """
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return found


def _check_options(options: Any, recipe: Recipe) -> None:
    """Refuse options that would be ignored, or would make another objective.

    Raises:
        CapabilityError: With the option and what to do.
    """
    for name, off in NEUTRAL.items():
        if getattr(options, name, off) != off:
            raise CapabilityError(
                f"{name}={getattr(options, name)!r} belongs to TRL's own loss and would be ignored",
                hint=f"leave it at {off!r}, or train with trl.GRPOTrainer",
            )
    if options.beta != recipe.kl:
        raise CapabilityError(
            f"beta is {options.beta} and the recipe's divergence coefficient {recipe.kl}",
            hint="set both to the same: beta decides whether TRL loads a reference model",
        )


__all__ = ["NEUTRAL", "ObjectiveTrainer", "distinct"]
