"""What two processes do in a test; it must be importable by name."""

from pathlib import Path

import torch
from torch import Tensor, distributed

from pellucid.posttrain.native.methods import (
    EntropyModulation,
    Guidance,
    Method,
    Plain,
    SelfExplanation,
)
from pellucid.posttrain.native.optimising import accumulate, take_step
from pellucid.posttrain.native.prompting import Template
from pellucid.posttrain.native.rollouts import assembled
from pellucid.posttrain.native.teaching import taught
from pellucid.posttrain.native.training import train
from pellucid.posttrain.objectives import GRPO, LOCAL, ProcessReducer, Reducer
from tests.posttrain.native.small import (
    EXAMPLES,
    TOKENIZER,
    config,
    session,
    sevens,
    small_model,
    weights_of,
)

METHODS: dict[str, Method] = {
    "plain": Plain(),
    "guidance": Guidance(hint_prompt=Template("{prompt}{hint}"), hinted_share=0.5),
    "self-explanation": SelfExplanation(target="expert", only_unsolved=False),
    "entropy-modulation": EntropyModulation(turn_separator="+"),
}
SHARES = [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9, 10, 11]]


def step_on(method: Method, rows: list[int], reducer: Reducer) -> Tensor:
    """Return the weights after one plain gradient step on some rows of the same responses."""
    settings = config(recipe=GRPO)
    model, reference = small_model(), small_model(seed=1)
    alone = session(model, settings, reference=reference)
    whole, auxiliary = method.collect(EXAMPLES[:3], alone)
    now = session(model, settings, reference=reference, reducer=reducer)
    rollout = assembled(now, [whole.responses[row] for row in rows], n_generated=0)
    if auxiliary is not None:
        # the first process has one of the three texts, the second two
        places = {0: slice(0, 1), 5: slice(1, 3)} if reducer.n_processes > 1 else {0: slice(3)}
        auxiliary = taught(now, whole.further[places[rows[0]]], weight=0.04)
    prepared = method.prepare(rollout, now)
    accumulate(now, method, rollout, prepared, auxiliary, rows_at_once=None)
    optimiser = torch.optim.SGD(model.parameters(), lr=1.0)
    take_step(now, optimiser, max_grad_norm=1.0, finite=True)
    return weights_of(model)


def whole_steps() -> dict[str, Tensor]:
    """Return the weights after a step of one process, by method."""
    return {name: step_on(method, list(range(12)), LOCAL) for name, method in METHODS.items()}


def work(rank: int, folder: str) -> None:
    """Make each method's step, and a short training, on this process's share."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=len(SHARES)
    )
    try:
        reducer = ProcessReducer()
        made = {name: step_on(method, SHARES[rank], reducer) for name, method in METHODS.items()}
        model = small_model()
        result = train(
            model,
            TOKENIZER,
            EXAMPLES,
            {"sevens": sevens},
            config(n_updates=3),
            run_dir=Path(folder) / "run",
            reducer=reducer,
        )
        made["trained"] = weights_of(model)
        made["n_samples"] = torch.tensor([row.n_samples for row in result.history])
        torch.save(made, Path(folder) / f"{rank}.pt")
    finally:
        distributed.destroy_process_group()
