"""Ask where a choice leads, and where another one would have led.

In the yard of this example some steps slip, so that nobody knows where a walk goes. How often it
arrives at each of the 25 places follows from the chances of slipping alone, and what the method
counts in fresh futures must come near it. The picture is a map: blue where the agent's own choice
leads, orange where the other one would have led.
"""

import tempfile
from pathlib import Path

import pellucid as pl
from pellucid.faithfulness.planted.ways import amounts_error, contrast_correlation, yard

if __name__ == "__main__":
    setting = yard(seed=0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)
    result = pl.explain(setting.agent, episodes, method="intended-outcomes", seed=0)
    print(result)
    assert result.badge == "supported"
    assert amounts_error(result.content, setting.truth) < 0.4
    assert contrast_correlation(result.content, setting.truth) > 0.8
    picture = Path(tempfile.mkdtemp()) / "intended-outcomes.png"
    result.plot().savefig(picture)
    print("picture:", picture)
