"""Ask what will happen next.

In the environment of this example two bells ring at steps that are known, with probabilities that
are known, whatever the agent does. So every announced probability can be checked. The second
question is about an event that the user names.
"""

import pellucid as pl
from pellucid.faithfulness.planted.timetables import ERROR, rings_error, timetable

PICTURE = "event_prediction.png"

if __name__ == "__main__":
    setting = timetable(seed=0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)
    result = pl.explain(setting.agent, episodes, method="event-prediction", seed=0)
    print(result)
    result.plot().savefig(PICTURE)
    assert result.badge == "supported"
    assert rings_error(result.content, setting.truth) < ERROR

    options = {"events": ["bell 0 > 0.5: the first bell rings"], "horizon": 8}
    asked = pl.explain(setting.agent, episodes, method="event-prediction", seed=0, options=options)
    print(asked)
    assert asked.content.event_names == ("the first bell rings",)
    assert rings_error(asked.content, setting.truth) < ERROR
