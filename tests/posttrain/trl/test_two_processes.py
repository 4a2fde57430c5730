"""Two processes over gloo: one batch, one gradient, and no one waits for ever."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("trl")

from pellucid.posttrain import objectives as o
from tests.posttrain.trl import worlds
from tests.posttrain.trl.test_equivalence import REWARDS, expected, frozen

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning"),
]


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    folder = worlds.saved(tmp_path)
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"),
        *("-m", "tests.posttrain.trl.two_processes", folder, str(tmp_path)),
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(
        command,
        cwd=Path(__file__).parents[3],
        env=environment,
        capture_output=True,
        text=True,
        timeout=380,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (torch.load(tmp_path / f"rank-{rank}.pt") for rank in (0, 1))
    start = torch.cat([p.detach().flatten() for p in worlds.model().parameters()])
    for name, values in first.items():
        assert torch.equal(values, second[name]), name
        assert torch.isfinite(values).all(), name
        assert (values != start).any(), name
    for name, recipe in (("lite_ppo", o.LITE_PPO), ("grpo", o.GRPO)):
        _, gradient = expected(recipe, frozen(recipe), REWARDS)
        torch.testing.assert_close(first[f"gradient/{name}"], gradient, atol=1e-5, rtol=1e-5)
