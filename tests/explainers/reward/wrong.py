"""An environment whose terms do not add up to its reward."""

import gymnasium


class HalfFare(gymnasium.Wrapper):
    """Reports half of the fare."""

    def step(self, action):
        observation, reward, terminated, truncated, info = self.env.step(action)
        terms = dict(info["reward_terms"])
        terms["fare"] /= 2
        return observation, reward, terminated, truncated, {**info, "reward_terms": terms}
