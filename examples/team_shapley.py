"""Ask what each member of a team adds to what the team earns.

Four workers of this example earn what their own work yields, one of them nothing, and the first two
earn a bonus together. So the credit of each is known: its yield, and half of the bonus for the two.
"""

import pellucid as pl
from pellucid.faithfulness.planted.teams import credits_error, field

if __name__ == "__main__":
    setting = field(seed=0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)
    result = pl.explain(setting.agent, episodes, method="team-shapley", seed=0)
    print(result)
    assert result.badge == "supported"
    assert credits_error(result.content, setting.truth) < 0.1
