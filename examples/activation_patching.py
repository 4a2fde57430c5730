"""Find the hidden unit that carries a choice, and draw how far each unit moves preferences.

The network of this example was made by hand: one hidden unit decides, and another one holds the
very same for nothing. A probe cannot tell the two apart; patching must.
"""

import tempfile
from pathlib import Path

import pellucid as pl
from pellucid.faithfulness.planted.units import SILENT, carrier_hit, decoy_effect, units

if __name__ == "__main__":
    setting = units(seed=0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)
    result = pl.explain(setting.agent, episodes, method="activation-patching", seed=0)
    print(result)
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "activation_patching.png"
        result.plot().savefig(picture)
        assert picture.stat().st_size > 0
    assert carrier_hit(result.content, setting.truth) == 1.0
    assert decoy_effect(result.content, setting.truth) < SILENT
    assert result.badge == "supported"
