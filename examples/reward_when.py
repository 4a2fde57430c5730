"""Ask when the reward of an agent arrives.

The agent of this example is paid at three steps of twenty, whatever it does. So what arrives within
the next four steps, within the four after those, and so on, is known from every step on.
"""

import pellucid as pl
from pellucid.faithfulness.planted.components import parts_error, paydays

if __name__ == "__main__":
    setting = paydays(seed=0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)
    result = pl.explain(setting.agent, episodes, method="reward-when", seed=0)
    print(result)
    assert result.content.component_names[0] == "in steps 1 to 4"
    assert result.badge == "supported"
    assert parts_error(result.content, setting.truth) < 0.1
