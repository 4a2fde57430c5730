"""Turn a concept up inside a network, and draw what is chosen then at every dose.

The network of this example was made by hand: its hidden layer holds two concepts, and its choice
listens to one of them. A probe reads both alike; steering must tell them apart, and say by how much
the choice moves, which is known in closed form.
"""

import tempfile
from pathlib import Path

import pellucid as pl
from pellucid.faithfulness.planted.levers import OFF, STILL, levers, unused_effect, used_error

if __name__ == "__main__":
    setting = levers(seed=0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=60, seed=0)
    result = pl.explain(setting.agent, episodes, method="steering", seed=0)
    print(result)
    print(result.to_frame())
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "steering.png"
        result.plot().savefig(picture)
        assert picture.stat().st_size > 0
    assert used_error(result.content, setting.truth) < OFF
    assert unused_effect(result.content, setting.truth) < STILL
    assert result.badge == "supported"
