"""Ask which terms of the reward decide for an agent's choices.

The dispatcher of this example takes the action that pays most. Every action pays for its fare,
costs fuel and wear, and pays something three steps later; what each term pays is known, and so is
which terms decide.
"""

import pellucid as pl
from pellucid.faithfulness.planted.components import depot, differences_error, reasons_named

if __name__ == "__main__":
    setting = depot(seed=0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)
    result = pl.explain(setting.agent, episodes, method="reward-components", seed=0)
    print(result)
    assert result.badge == "supported"
    assert differences_error(result.content, setting.truth) < 0.1
    assert reasons_named(result.content, setting.truth) > 0.9
