"""Ask what an agent heads for on its way.

In the house of this example a key must be fetched before a door lets anybody through, and steps
slip at times. So every episode passes two places, and it is known which: the key's and the door's.
"""

import tempfile
from pathlib import Path

import pellucid as pl
from pellucid.faithfulness.planted.errands import errands, subgoals_found, subgoals_true

if __name__ == "__main__":
    setting = errands(seed=0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=60, seed=0)
    result = pl.explain(setting.agent, episodes, method="subgoals", seed=0)
    print(result)
    print("on its way:", ", then ".join(result.content.node_names))
    assert result.badge == "supported"
    assert subgoals_found(result.content, setting.truth) == 1.0
    assert subgoals_true(result.content, setting.truth) > 0.6
    picture = Path(tempfile.mkdtemp()) / "subgoals.png"
    result.plot().savefig(picture)
    print("picture:", picture)
