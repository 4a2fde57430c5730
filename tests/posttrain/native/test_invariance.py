"""The weights after a step do not depend on how the batch is cut or where its parts lie."""

from pathlib import Path

import pytest
import torch
from torch import multiprocessing

from pellucid.posttrain.native.optimising import accumulate
from pellucid.posttrain.native.training import CHECKPOINTS
from pellucid.posttrain.objectives import GRPO
from tests.posttrain.native.small import EXAMPLES, config, session, small_model
from tests.posttrain.native.worlds import METHODS, whole_steps, work


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("size", [1, 8])
def test_gradient_of_micro_batches_is_that_of_the_batch(name: str, size: int) -> None:
    method = METHODS[name]
    gradients = []
    for rows_at_once in (None, size):
        model = small_model()
        now = session(model, config(recipe=GRPO), reference=small_model(seed=1))
        rollout, auxiliary = method.collect(EXAMPLES[:3], now)
        prepared = method.prepare(rollout, now)
        accumulate(now, method, rollout, prepared, auxiliary, rows_at_once=rows_at_once)
        gradients.append(torch.cat([w.grad.reshape(-1) for w in model.parameters()]))
    assert float(gradients[0].abs().max()) > 1e-3
    assert torch.allclose(*gradients, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_two_processes_give_the_weights_of_one(tmp_path: Path) -> None:
    multiprocessing.spawn(work, (str(tmp_path),), nprocs=2)
    parts = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    for name, wanted in whole_steps().items():
        assert not torch.equal(wanted, parts[0]["trained"])
        for part in parts:
            assert torch.allclose(part[name], wanted, rtol=0, atol=1e-6), name
    assert torch.equal(parts[0]["trained"], parts[1]["trained"])
    assert parts[0]["n_samples"].tolist() == [12, 12, 12]
    assert (tmp_path / "run" / CHECKPOINTS / "update-00000003").is_dir()
