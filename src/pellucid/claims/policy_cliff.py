"""The policy cliff: small changes of rewards, large changes of behaviour (Xu 2025).

The published experiments trained language models with settings and numbers that were not given;
these parts check the statements themselves, on finite problems and on a table-sized stand-in for
answers of two families. The bound on soft policies is checked in the sharper form that is attained.
"""

from collections.abc import Mapping
from dataclasses import replace

import gymnasium
import numpy as np
from jaxtyping import Float

from pellucid.claims.claim import (
    Arms,
    ExactClaim,
    NegativeControl,
    Scale,
    StatisticalClaim,
    stays_below,
    within,
)
from pellucid.kernels.divergences import total_variation
from pellucid.seeds import stream
from pellucid.systems.policy_cliff import TwoFamilies, derivation_share
from pellucid.tabular import FiniteMDP, from_toy_text, random_mdp, value_iteration
from pellucid.tabular.cliff import (
    attack,
    certified_radii,
    cliff_map,
    effective_rewards,
    inverse_bellman,
    mixture_sweep,
    soft_value_iteration,
    tied_rewards,
    variation_bound,
)

SOURCE = "Xu 2025"
TOLERANCE = 1e-9
SIZES = ((5, 2, 0.5), (10, 4, 0.7), (20, 5, 0.8))
"""States, actions and discount of the random problems."""
CHANGES = (1e-3, 0.03, 1.0)
N_DRAWS = 4
GAMES = {
    "FrozenLake": ("FrozenLake-v1", {}),
    "FrozenLake without ice": ("FrozenLake-v1", {"is_slippery": False}),
    "CliffWalking": ("CliffWalking-v1", {}),
    "Taxi": ("Taxi-v4", {}),
}
DISCOUNT = 0.95
N_ATTACKED = 8
"""States per game that are attacked; spread evenly over those whose decision is not a tie."""


# --- bounds on random problems ---


def bounds() -> dict[str, bool]:
    """Return whether the bounds hold on random problems, and are attained where they can be."""
    cases: dict[str, bool] = {}
    for n_states, n_actions, discount in SIZES:
        rng = stream(0, "policy-cliff", "bounds", n_states)
        mdp = random_mdp(n_states, n_actions, rng, n_successors=3, discount=discount)
        where = f"{n_states} states, discount {discount}"
        cases[f"values move by at most change / (1 - discount): {where}"] = _values_bounded(
            mdp, rng
        )
        cases[f"effective rewards move no more than a part: {where}"] = _mixtures_bounded(mdp, rng)
        cases[f"soft policies stay within the bound: {where}"] = _policies_bounded(mdp, rng)
        cases[f"rewards of wanted values lead to them: {where}"] = _inverted(mdp)
        cases[f"ties jump by (m - 1) / m however small the change: {where}"] = _ties_jump(mdp)
    cases["a bandit moves as far as the bound on values"] = _bandit_attains_value_bound()
    cases["a bandit moves as far as the bound on soft policies"] = _bandit_attains_soft_bound()
    return cases


def _changed(mdp: FiniteMDP, change: float, rng: np.random.Generator) -> FiniteMDP:
    signs = rng.choice([-1.0, 1.0], mdp.rewards.shape)
    return mdp.with_rewards(mdp.rewards + change * signs)


def _values_bounded(mdp: FiniteMDP, rng: np.random.Generator) -> bool:
    before = value_iteration(mdp)
    held = True
    for change in CHANGES:
        for _ in range(N_DRAWS):
            moved = value_iteration(_changed(mdp, change, rng))
            distance = np.abs(moved.q_values - before.q_values).max()
            held &= bool(distance <= change / (1 - mdp.discount) + TOLERANCE)
    return held


def _mixtures_bounded(mdp: FiniteMDP, rng: np.random.Generator) -> bool:
    parts = rng.normal(size=(3, *mdp.rewards.shape))
    weights = rng.dirichlet(np.ones(3), size=mdp.n_states).T
    moves = rng.normal(size=parts.shape)
    moved = effective_rewards(parts + moves, weights) - effective_rewards(parts, weights)
    return bool(np.abs(moved).max() <= np.abs(moves).max() + TOLERANCE)


def _policies_bounded(mdp: FiniteMDP, rng: np.random.Generator) -> bool:
    held = True
    for temperature in (0.05, 0.5):
        before = soft_value_iteration(mdp, temperature).policy
        for change in CHANGES:
            bound = variation_bound(change, temperature=temperature, discount=mdp.discount)
            for _ in range(N_DRAWS):
                moved = soft_value_iteration(_changed(mdp, change, rng), temperature).policy
                held &= bool(total_variation(before, moved).max() <= bound + TOLERANCE)
    return held


def _inverted(mdp: FiniteMDP) -> bool:
    solved = value_iteration(mdp, tolerance=1e-12)
    return bool(np.abs(inverse_bellman(mdp, solved.q_values) - mdp.rewards).max() < TOLERANCE)


def _ties_jump(mdp: FiniteMDP) -> bool:
    """Return whether a tie of m actions moves (m - 1) / m of the weight at every small change."""
    solved = value_iteration(mdp, tolerance=1e-13)
    held = True
    for n_tied in range(2, mdp.n_actions + 1):
        tied = mdp.with_rewards(tied_rewards(solved, 0, n_tied))
        base = value_iteration(tied, tolerance=1e-13)
        for size in (1e-2, 1e-5, 1e-8):
            wanted = base.q_values.copy()
            wanted[0, int(base.actions[0])] += size
            rewards = inverse_bellman(mdp, wanted)
            norm = np.abs(rewards - tied.rewards).max()
            moved = value_iteration(mdp.with_rewards(rewards), tolerance=1e-13)
            jump = total_variation(
                _uniform_best(base.q_values[0]), _uniform_best(moved.q_values[0])
            )
            held &= bool(abs(jump - (n_tied - 1) / n_tied) < TOLERANCE)
            held &= bool(norm <= (1 + mdp.discount) * size + TOLERANCE)
    return held


def _uniform_best(q_values: Float[np.ndarray, " actions"]) -> Float[np.ndarray, " actions"]:
    # half of the smallest change above, far more than the error of the values
    best = q_values >= q_values.max() - 5e-9
    return np.asarray(best / best.sum())


def _bandit(rewards: tuple[float, ...], discount: float) -> FiniteMDP:
    return FiniteMDP(
        transitions=np.ones((1, len(rewards), 1)),
        rewards=np.array([rewards]),
        initial=np.ones(1),
        discount=discount,
    )


def _bandit_attains_value_bound() -> bool:
    before, after = (value_iteration(_bandit((r, r), 0.9), tolerance=1e-12) for r in (0.0, 0.1))
    return bool(abs(after.q_values - before.q_values - 0.1 / (1 - 0.9)).max() < TOLERANCE)


def _bandit_attains_soft_bound() -> bool:
    one, other = (soft_value_iteration(_bandit((-r, r), 0.0), 0.5).policy for r in (0.3, -0.3))
    bound = variation_bound(0.6, temperature=0.5, discount=0.0)
    return bool(abs(total_variation(one, other)[0] - bound) < TOLERANCE)


# --- radii in games that are not ours ---


def radii() -> dict[str, bool]:
    """Return whether decisions in Gymnasium's games survive what they should, and flip if made to.

    Each attacked state is tried with changes of random signs and with the attack itself, scaled to
    just below the certified radius: neither may change its decision.
    """
    cases: dict[str, bool] = {}
    for name, (env_id, options) in GAMES.items():
        env = gymnasium.make(env_id, **options)
        mdp = from_toy_text(env, discount=DISCOUNT)
        env.close()
        found = cliff_map(mdp)
        solved, radius = found.solution, certified_radii(found.solution)
        decided = np.flatnonzero(radius > 1e-6)
        states = decided[np.linspace(0, len(decided) - 1, N_ATTACKED).astype(int)]
        rng = stream(0, "policy-cliff", "radii", name)
        kept, flipped = True, True
        for state in map(int, states):
            strike = attack(solved, state)
            inside = 0.999 * radius[state]
            toward = (strike.rewards - mdp.rewards) * (inside / strike.norm)
            signs = inside * rng.choice([-1.0, 1.0], mdp.rewards.shape)
            kept &= _decision(mdp, signs, state) == solved.actions[state]
            kept &= _decision(mdp, toward, state) == solved.actions[state]
            flipped &= _decision(mdp, strike.rewards - mdp.rewards, state) == strike.rival
        cases[f"{name}: nothing inside the certified radius changes a decision"] = bool(kept)
        cases[f"{name}: attacks change every decision"] = bool(flipped)
        below = radius[states] <= found.attacks[states] + TOLERANCE
        cases[f"{name}: certified radii are below attacks"] = bool(below.all())
    return cases


def _decision(mdp: FiniteMDP, change: Float[np.ndarray, "states actions"], state: int) -> int:
    return int(value_iteration(mdp.with_rewards(mdp.rewards + change)).actions[state])


# --- mixtures ---


def mixture() -> dict[str, bool]:
    """Return whether mixing one reward into another jumps, and glides under a temperature."""
    mdp = random_mdp(5, 3, stream(0, "policy-cliff", "mixture"), n_successors=3, discount=0.5)
    parts = stream(1, "policy-cliff", "mixture").random((2, *mdp.rewards.shape))
    shares = [share / 100 for share in range(101)]
    cliff = mixture_sweep(mdp, (parts[0], parts[1]), shares)
    cases: dict[str, bool] = {
        "without a temperature, a hundredth moves half of a decision or more": bool(
            cliff.steps.max() >= 0.5
        )
    }
    for temperature in (0.1, 0.5):
        smooth = mixture_sweep(mdp, (parts[0], parts[1]), shares, temperature=temperature)
        change = 0.01 * float(np.abs(parts[1] - parts[0]).max())
        bound = variation_bound(change, temperature=temperature, discount=mdp.discount)
        cases[f"at temperature {temperature}, no step exceeds the bound"] = bool(
            smooth.steps.max() <= bound + TOLERANCE
        )
    return cases


# --- learned policies ---

EPSILON = 0.01
SETTINGS: Mapping[str, TwoFamilies] = {
    "no bonus": TwoFamilies(),
    "bonus": TwoFamilies(bonus=EPSILON),
    "penalty": TwoFamilies(bonus=-EPSILON),
    "regularised, no bonus": TwoFamilies(entropy=0.05, normalised=False),
    "regularised, bonus": TwoFamilies(bonus=EPSILON, entropy=0.05, normalised=False),
    "regularised, penalty": TwoFamilies(bonus=-EPSILON, entropy=0.05, normalised=False),
    "regularised, half bonus": TwoFamilies(bonus=EPSILON / 2, entropy=0.05, normalised=False),
    "regularised, half penalty": TwoFamilies(bonus=-EPSILON / 2, entropy=0.05, normalised=False),
}
SLACKER = {
    "correctness": TwoFamilies(skill=0.9),
    "tie-breaker": TwoFamilies(skill=0.9, bonus=2 * EPSILON),
    "regularised": TwoFamilies(skill=0.9, entropy=0.05, normalised=False),
    "regularised tie-breaker": TwoFamilies(
        skill=0.9, bonus=2 * EPSILON, entropy=0.05, normalised=False
    ),
}
"""Derivations have more steps to go wrong, so that correctness alone leads to the shortcut."""
SEEDS: dict[Scale, tuple[int, ...]] = {
    "smoke": (0, 1),
    "cpu": tuple(range(200, 224)),
    "full": tuple(range(200, 300)),
}
SMOKE_UPDATES = 50


def run_family(arm: str, scale: Scale, seed: int) -> float:
    """Return how often a trained policy answers by derivation.

    Args:
        arm: One of `SETTINGS` or `SLACKER`.
        scale: `smoke` trains for a few steps.
        seed: Of sampled answers; arms share their draws.
    """
    setting = {**SETTINGS, **SLACKER}[arm]
    if scale == "smoke":
        setting = replace(setting, n_updates=SMOKE_UPDATES)
    return derivation_share(setting, seed)


def run_polarisation(arm: str, scale: Scale, seed: int) -> float:
    """Return how far from even a trained policy splits its answers, from 0 to 1/2."""
    return abs(run_family(arm, scale, seed) - 0.5)


def _doubles(arms: Arms) -> bool:
    """Return whether twice the bonus moves the regularised policy twice as far, within a half."""
    full = float(np.mean(arms["regularised, bonus"] - arms["regularised, penalty"]))
    half = float(np.mean(arms["regularised, half bonus"] - arms["regularised, half penalty"]))
    return bool(1.5 < full / half < 2.5) if half > 0 else False


BOUNDS = ExactClaim(
    id="policy-cliff.bounds",
    statement="Values, mixtures and soft policies move no further than their bounds, which are "
    "attained; at ties the best policies jump however small the change.",
    source=SOURCE,
    cases=bounds,
)
RADII = ExactClaim(
    id="policy-cliff.radii",
    statement="No change of rewards inside the certified radius changes a decision; the "
    "constructed attack changes it.",
    source=SOURCE,
    cases=radii,
)
MIXTURE = ExactClaim(
    id="policy-cliff.mixture",
    statement="Behaviour jumps as one reward is mixed into another, and glides under entropy "
    "regularisation.",
    source=SOURCE,
    cases=mixture,
)
SNAP = StatisticalClaim(
    id="policy-cliff.snap",
    statement="A bonus of 0.01 in place of a penalty of 0.01 moves at least half of all answers to "
    "the other family; under entropy regularisation the shift is small and proportional.",
    source=SOURCE,
    run=run_family,
    arms=(
        "bonus",
        "penalty",
        "regularised, bonus",
        "regularised, penalty",
        "regularised, half bonus",
        "regularised, half penalty",
    ),
    treatment="bonus",
    control="penalty",
    unit="seed",
    minimum_effect=0.5,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "regularised policies move less",
            arm="regularised, bonus",
            reference="regularised, penalty",
            limit=0.25,
        ),
        NegativeControl("the regularised shift doubles with the bonus", _doubles),
    ),
    invariants=within("shares lie between 0 and 1", 0.0, 1.0),
)
POLARISED = StatisticalClaim(
    id="policy-cliff.polarised",
    statement="With equal rewards each run settles on one family: it splits its answers less "
    "evenly, by at least a quarter, than a regularised one.",
    source=SOURCE,
    run=run_polarisation,
    arms=("no bonus", "regularised, no bonus"),
    treatment="no bonus",
    control="regularised, no bonus",
    unit="seed",
    minimum_effect=0.25,
    seeds=SEEDS,
    negative_controls=(
        NegativeControl(
            "regularised runs stay within a quarter of even",
            lambda arms: bool(np.mean(arms["regularised, no bonus"]) < 0.25),
        ),
    ),
    invariants=within("shares lie between 0 and 1", 0.0, 1.0),
)
TIE_BREAKER = StatisticalClaim(
    id="policy-cliff.tie-breaker",
    statement="A bonus of 0.02 for following the instruction moves at least half of the answers "
    "of a policy that correctness alone had led to the shortcut.",
    source=SOURCE,
    run=run_family,
    arms=tuple(SLACKER),
    treatment="tie-breaker",
    control="correctness",
    unit="seed",
    minimum_effect=0.5,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "regularised policies move less",
            arm="regularised tie-breaker",
            reference="regularised",
            limit=0.25,
        ),
        NegativeControl(
            "correctness alone leads to the shortcut",
            lambda arms: bool(np.mean(arms["correctness"]) < 0.25),
        ),
    ),
    invariants=within("shares lie between 0 and 1", 0.0, 1.0),
)
