"""Ask what would follow if an agent did something else for a while.

Every action of the burglar of this example rings the alarm with a known probability. So it is known
how much more often the alarm rings if another action is held for a few steps, and nothing else may
be told to change.
"""

import tempfile
from pathlib import Path

import pellucid as pl
from pellucid.faithfulness.planted.alarms import difference_error, most_changed, vault

if __name__ == "__main__":
    setting = vault(seed=0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)
    loudest = int(setting.truth.chances.argmax())
    result = pl.explain(
        setting.agent,
        episodes,
        method="outcomes-if",
        seed=0,
        options={"foil": loudest, "step": 10, "hold": 3},
    )
    print(result)
    assert result.badge == "supported"
    assert most_changed(result.content, setting.truth) == 1.0
    assert difference_error(result.content, setting.truth) < 0.2
    picture = Path(tempfile.mkdtemp()) / "outcomes-if.png"
    result.plot().savefig(picture)
    print("picture:", picture)
