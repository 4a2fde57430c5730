"""Read concepts from the hidden layer of a network, and draw how often the probes are right.

The network of this example was made by hand: two of its four inputs reach the hidden layer, the
others do not. Probes must read the first two, and be right about the others by luck alone.
"""

import tempfile
from pathlib import Path

import pellucid as pl
from pellucid.faithfulness.planted.units import APART, READ_RIGHT, apart, held_right, units

if __name__ == "__main__":
    setting = units(seed=0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)
    result = pl.explain(setting.agent, episodes, method="concept-probes", seed=0)
    print(result)
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "concept_probes.png"
        result.plot().savefig(picture)
        assert picture.stat().st_size > 0
    assert held_right(result.content, setting.truth) > READ_RIGHT
    assert apart(result.content, setting.truth) > APART
    assert result.badge == "supported"
