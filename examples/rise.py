"""Find the patches of an image that an agent looks at, by masks drawn at random.

The agent adds up the brightness of three patches of an image of 64, so that these three must come
first and the others must get nothing.
"""

import pellucid as pl
from pellucid.budget import Cost
from pellucid.faithfulness.planted.images import linear_image

if __name__ == "__main__":
    setting = linear_image(seed=0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=10, seed=0)
    result = pl.explain(
        setting.agent, episodes, method="rise", seed=0, budget=Cost(600_000, 30_000)
    )
    print(result)
    assert set(result.content.ranking[:3]) == set(setting.truth.read)
    assert abs(result.content.values[:, list(setting.truth.ignored)]).max() < 1e-6
    assert result.badge == "supported"
