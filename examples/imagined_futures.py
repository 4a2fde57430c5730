"""Ask what an agent runs into next, without running its environment.

A small model is fitted to recorded steps, the agent acts in it, and bands are calibrated on
episodes that the model did not learn from. How the world of this example moves is known, and so is
where it can go from every state.
"""

import tempfile
from pathlib import Path

import pellucid as pl
from pellucid.faithfulness.planted.drifts import band_error, coverage_off, tides

if __name__ == "__main__":
    setting = tides(seed=0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)
    result = pl.explain(setting.agent, episodes, method="imagined-futures", seed=0)
    print(result)
    assert result.badge == "supported"
    assert band_error(result.content, setting.truth) < 0.4
    assert coverage_off(result.content, setting.truth) < 0.1
    picture = Path(tempfile.mkdtemp()) / "imagined-futures.png"
    result.plot().savefig(picture)
    print("picture:", picture)
