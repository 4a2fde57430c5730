"""Find the kind of episode that a choice goes back to, and draw what each kind is worth.

Every episode of this example takes place in one of five rooms. Episodes must be grouped by room,
and a clone that never saw the room of a choice must lose it.
"""

import tempfile
from pathlib import Path

import pellucid as pl
from pellucid.faithfulness.planted.rooms import N_EPISODES, SAME_ROOM, rooms, same_room

if __name__ == "__main__":
    setting = rooms(seed=1)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=N_EPISODES, seed=1)
    result = pl.explain(setting.agent, episodes, method="trajectory-attribution", seed=0)
    print(result)
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "trajectory_attribution.png"
        result.plot().savefig(picture)
        assert picture.stat().st_size > 0
    assert same_room(result.content, setting.truth) > SAME_ROOM
    assert result.badge == "supported"
