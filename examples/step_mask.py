"""Learn at which steps an agent's actions must be its own.

In the corridor of this example the key can be taken at one place only, and the last step pays for
it. Masks that let actions be random wherever that costs little must keep the one step at which the
agent takes the key; the picture shows how likely each stretch is kept.
"""

import pellucid as pl
from pellucid.faithfulness.planted.moments import one_key

PICTURE = "step_mask.png"

if __name__ == "__main__":
    setting = one_key(seed=0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)
    result = pl.explain(setting.agent, episodes, method="step-mask", seed=0)
    print(result)
    result.plot().savefig(PICTURE)
    start = result.content.starts[result.content.chosen]
    stop = result.content.stops[result.content.chosen]
    print(f"the mask keeps steps {start} to {stop - 1}; the key is at step {setting.truth.step}")
    assert start <= setting.truth.step < stop
    assert result.badge == "supported"
