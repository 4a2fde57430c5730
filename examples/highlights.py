"""Show the moments that matter most to an agent.

In the corridor of this example the key can be taken at one place only, and the last step pays for
it. The agent knows what both of its actions earn everywhere, so that the one moment at which they
differ must be the highlight.
"""

import pellucid as pl
from pellucid.faithfulness.planted.moments import key_moment

if __name__ == "__main__":
    setting = key_moment(seed=0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=10, seed=0)
    result = pl.explain(setting.agent, episodes, method="highlights", seed=0)
    print(result)
    assert result.content.steps[:, 1].tolist() == [setting.truth.step]
    assert result.badge == "supported"
