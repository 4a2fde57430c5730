"""Ask whose action mattered at one moment of a team.

Four workers of this example work or rest. Who rests in half of the cases loses half of its yield
on average, and one of the first two also half of the bonus that both earn only together.
"""

import pellucid as pl
from pellucid.faithfulness.planted.teams import credits_error, field

if __name__ == "__main__":
    setting = field(seed=0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)
    result = pl.explain(
        setting.agent, episodes, method="team-counterfactual", seed=0, options={"step": 4}
    )
    print(result)
    assert result.badge == "supported"
    assert credits_error(result.content, setting.truth) < 0.1
