"""Sum up an agent as a graph: a few kinds of states, told by rules, and the moves between them.

The agent of this example goes round four rooms on a square, and chance alone keeps it in a room. So
the graph is known: four kinds of states, one per quarter of the square, each followed by itself or
by the next. The picture is written beside the answer.
"""

from pathlib import Path
from tempfile import mkdtemp

import pellucid as pl
from pellucid.faithfulness.planted.quarters import alike, move_error, quarters

if __name__ == "__main__":
    setting = quarters(seed=0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)
    result = pl.explain(setting.agent, episodes, method="policy-graph", seed=0)
    print(result)
    print(result.to_frame().round(2).to_string())
    picture = Path(mkdtemp()) / "rooms.svg"
    result.plot().savefig(picture)
    print(picture)
    assert result.badge == "supported"
    assert alike(result.content, setting.truth) > 0.9
    assert move_error(result.content, setting.truth) < 0.1
