"""Find the recorded episodes that would teach a choice, and draw what each of them is worth.

Every episode of this example takes place in one of five rooms, and what is right in a room can be
learned there only. The episodes that a clone owes a choice to must have been in the same room.
"""

import tempfile
from pathlib import Path

import pellucid as pl
from pellucid.faithfulness.planted.rooms import N_EPISODES, SAME_ROOM, rooms, same_room

if __name__ == "__main__":
    setting = rooms(seed=1)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=N_EPISODES, seed=1)
    result = pl.explain(setting.agent, episodes, method="data-influence", seed=0)
    print(result)
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "data_influence.png"
        result.plot().savefig(picture)
        assert picture.stat().st_size > 0
    assert same_room(result.content, setting.truth) > SAME_ROOM
    assert result.badge == "supported"
