"""Find the moments that are out of the ordinary, and what is so about them.

In the corridor of this example the key can be taken at one place only, and the last step pays for
it. The agent knows what both of its actions earn everywhere: the one place at which they differ is
the only moment that is unusual in any way. What the agent does not tell is named.
"""

import pellucid as pl
from pellucid.faithfulness.planted.moments import key_moment

PICTURE = "interestingness.png"

if __name__ == "__main__":
    setting = key_moment(seed=0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=10, seed=0)
    result = pl.explain(setting.agent, episodes, method="interestingness", seed=0)
    print(result)
    print("\n".join(result.warnings))
    print(result.to_frame().iloc[0])
    result.plot().savefig(PICTURE)
    assert result.content.steps[:, 1].tolist() == [setting.truth.step]
    assert result.content.reasons == ("riskiness unusually high",)
    assert result.badge == "supported"
