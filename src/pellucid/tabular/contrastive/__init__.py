"""Learning a low-rank model by contrast, with a bonus that says what has been seen too little.

A problem or a game is made or described (`combination_lock`, `StagedMDP`, `two_player_lock`), a
planner turns what was seen into a policy (`contrastive_planner`, `CountPlanner`), `learn` and
`learn_game` explore with it, and `explain_bonus` and `explain_ratio` say what it has learned.
"""

from pellucid.tabular.contrastive.explaining import (
    BonusExplanation,
    canonical_correlations,
    explain_bonus,
    explain_ratio,
    policy_change,
)
from pellucid.tabular.contrastive.game_learning import GameCurve, learn_game
from pellucid.tabular.contrastive.game_lock import two_player_lock
from pellucid.tabular.contrastive.learning import (
    ContrastivePlanner,
    CountPlanner,
    LearningCurve,
    contrastive_planner,
    learn,
)
from pellucid.tabular.contrastive.low_rank import (
    LowRankMDP,
    combination_lock,
    gaussian_features,
    simplex_features,
)
from pellucid.tabular.contrastive.markov_game import (
    MarkovGame,
    coarse_correlated_equilibria,
    duality_gap,
)
from pellucid.tabular.contrastive.representation import ContrastiveModel, FitOptions
from pellucid.tabular.contrastive.staged import StagedMDP

__all__ = [
    "BonusExplanation",
    "ContrastiveModel",
    "ContrastivePlanner",
    "CountPlanner",
    "FitOptions",
    "GameCurve",
    "LearningCurve",
    "LowRankMDP",
    "MarkovGame",
    "StagedMDP",
    "canonical_correlations",
    "coarse_correlated_equilibria",
    "combination_lock",
    "contrastive_planner",
    "duality_gap",
    "explain_bonus",
    "explain_ratio",
    "gaussian_features",
    "learn",
    "learn_game",
    "policy_change",
    "simplex_features",
    "two_player_lock",
]
