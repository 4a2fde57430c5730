"""Find the recorded episodes that a choice resembles, and draw how much each of them counts.

Every episode of this example takes place in one of five rooms. The episodes that are named for a
choice must have been in the same room, and a clone that never saw them must choose less alike.
"""

import tempfile
from pathlib import Path

import pellucid as pl
from pellucid.faithfulness.planted.rooms import N_EPISODES, SAME_ROOM, rooms, same_room

if __name__ == "__main__":
    setting = rooms(seed=1)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=N_EPISODES, seed=1)
    result = pl.explain(setting.agent, episodes, method="nearest-trajectory", seed=0)
    print(result)
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "nearest_trajectory.png"
        result.plot().savefig(picture)
        assert picture.stat().st_size > 0
    assert same_room(result.content, setting.truth) > SAME_ROOM
    assert result.badge == "supported"
