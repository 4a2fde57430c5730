"""Tell which term of a reward an agent acts as if it were absent.

Every way on the road of this example costs time, mud and toll. The agent takes the ways that are
best for a reward without one of them; its choices must give that one away.
"""

import pellucid as pl
from pellucid.faithfulness.planted.crossroads import absent_term

PICTURE = "reward_hypotheses.png"

if __name__ == "__main__":
    setting = absent_term(seed=1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=30, seed=0)
    result = pl.explain(setting.agent, episodes, method="reward-hypotheses", seed=0)
    print(result)
    result.plot().savefig(PICTURE)
    named = result.content.names[result.content.named]
    print(f"named: {named}; true: {' and '.join(setting.truth.terms)} absent")
    assert named == f"{' and '.join(setting.truth.terms)} absent"
    assert result.badge == "supported"
