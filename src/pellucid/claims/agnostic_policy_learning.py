"""Agnostic policy learning: what access and structure are worth to choose from a class (Li 2025).

The sources are pure theory; problems, sizes and minimum effects are ours. The published count of
H + 1 for the spanning capacity of singletons needs a state of its own per step; with fewer states
it is smaller, which is checked. The lower bound for stochastic problems is not.
"""

from functools import partial

import numpy as np

from pellucid.claims.claim import (
    Arms,
    ExactClaim,
    NegativeControl,
    Scale,
    StatisticalClaim,
    stays_below,
)
from pellucid.seeds import stream
from pellucid.systems import agnostic_policy_learning as system
from pellucid.systems.agnostic_policy_learning import LockSize, PetalSize
from pellucid.tabular.agnostic import (
    PolicyClass,
    all_policies,
    amplification_chain,
    cpi,
    deterministic_layers,
    exact_values,
    l_tons,
    psdp_exact,
    reset_value,
    singletons,
    spanning_capacity,
    walked_values,
)
from pellucid.tabular.contrastive.staged import StagedMDP

SOURCE = "Li 2025"
SEEDS: dict[Scale, tuple[int, ...]] = {
    "smoke": (0, 1),
    "cpu": tuple(range(300, 316)),
    "full": tuple(range(300, 400)),
}
N_ROLLOUTS: dict[Scale, int] = {"smoke": 200, "cpu": 5000, "full": 5000}
STEPS = (2, 4, 8, 12, 16)
TREE_STEPS = 12
TREES: dict[str, dict[Scale, int]] = {
    "few trees": {"smoke": 20, "cpu": 100, "full": 100},
    "many trees": {"smoke": 40, "cpu": 1600, "full": 1600},
}
CHOICE_STEPS: dict[Scale, int] = {"smoke": 4, "cpu": 12, "full": 12}
PETALS: dict[Scale, PetalSize] = {
    "smoke": PetalSize(n_steps=4, n_first=400, n_petal=100),
    "cpu": PetalSize(n_steps=14, n_first=20_000, n_petal=8000),
    "full": PetalSize(n_steps=16, n_first=100_000, n_petal=20_000),
}
LOCKS: dict[Scale, LockSize] = {
    "smoke": LockSize(n_steps=3, n_emissions=2, n_policies=6, n_tests=20),
    "cpu": LockSize(n_steps=5, n_emissions=3, n_policies=40, n_tests=400),
    "full": LockSize(n_steps=8, n_emissions=10, n_policies=200, n_tests=1000),
}
EMULATOR_STATES: dict[str, dict[Scale, int]] = {
    "few states": {"smoke": 6, "cpu": 10, "full": 20},
    "many states": {"smoke": 12, "cpu": 160, "full": 640},
}
TOLERANCE, NO_TOLERANCE = 0.2, 10.0
"""Of states that count as one; the second takes all states for one."""
CHAIN_LOSSES = {2: 0.002, 5: 0.015, 8: 0.12, 10: 0.47, 12: 1.0}
"""Loss of dynamic programming per number of steps, as computed beforehand to two digits."""
ERROR = 0.001
"""Of the oracle, and loss of the tempting policy at the last step."""


# --- exact parts ---


def capacities() -> dict[str, bool]:
    """Return whether spanning capacities have their known values."""
    known = {
        "never or once, 4 steps: 5": (singletons(4, 5), 5),
        "at most twice, 4 steps: 11": (l_tons(4, 8, 2), 11),
        "never or once, 8 steps: 9": (singletons(8, 9), 9),
        "a bandit of 3 actions: 3": (all_policies(1, 2, 3), 3),
        "all policies, 2 states, 2 actions: 4": (all_policies(3, 2, 2), 4),
        "never or once, 4 steps of 2 states: 3, less than steps + 1": (singletons(4, 2), 3),
    }
    found = {name: spanning_capacity(policies) for name, (policies, _) in known.items()}
    return {
        name: found[name].exact and found[name].high == value for name, (_, value) in known.items()
    }


def amplification() -> dict[str, bool]:
    """Return whether one small mistake grows without completeness, and does not with it."""
    cases: dict[str, bool] = {}
    losses = {}
    for n_steps, loss in CHAIN_LOSSES.items():
        problem, policies, resets = amplification_chain(n_steps, loss=ERROR)
        slack = np.zeros(n_steps)
        slack[-1] = ERROR
        incomplete = policies.subset([0, 1])
        losses[n_steps] = 1 - psdp_exact(problem, incomplete, resets, slack=slack).value(problem)
        mended = 1 - psdp_exact(problem, policies, resets, slack=slack).value(problem)
        honest = 1 - psdp_exact(problem, incomplete, resets).value(problem)
        cases[f"{n_steps} steps: the loss grows to {loss}"] = (
            float(f"{losses[n_steps]:.2g}") == loss
        )
        cases[f"{n_steps} steps: the completing policy keeps {ERROR}"] = abs(mended - ERROR) < 1e-12
        cases[f"{n_steps} steps: without the mistake there is no loss"] = abs(honest) < 1e-12
        # the tempting policy is a trap for conservative steps too, from three steps on
        limit = ERROR / 10
        stuck = cpi(problem, incomplete, resets, first=1, limit=limit)
        freed = cpi(problem, policies, resets, first=1, limit=limit)
        if n_steps > 2:
            cases[f"{n_steps} steps: conservative iteration stays in the trap"] = (
                1 - reset_value(problem, stuck.policy, resets)
                > 1 - reset_value(problem, policies_as_chances(policies, 1), resets) - 1e-12
            )
        cases[f"{n_steps} steps: the completing policy frees it"] = (
            1 - reset_value(problem, freed.policy, resets) < ERROR
        )
    grown = losses[5] * 1.98**5
    cases["the loss grows 1.98 times per step"] = grown > 0 and abs(losses[10] - grown) < 1e-9
    return cases


def policies_as_chances(policies: PolicyClass, member: int) -> np.ndarray:
    """Return a member as probabilities of actions."""
    return np.asarray(np.eye(policies.n_actions)[policies.actions[member]])


def walks() -> dict[str, bool]:
    """Return whether walks of deterministic problems stay within the capacity and find the best."""
    cases: dict[str, bool] = {}
    classes = {"never or once": l_tons(4, 8, 1), "at most twice": l_tons(4, 8, 2)}
    for name, policies in classes.items():
        most = policies.n_steps * spanning_capacity(policies).high
        within, found = True, True
        for seed in range(8):
            rng = stream(seed, "agnostic-policy-learning", "walk", name)
            problem = deterministic_layers(4, 8, 2, rng)
            walked = walked_values(problem, policies, 400, rng)
            truth = exact_values(problem, policies)
            within &= walked.n_pairs <= most
            found &= bool(truth.max() - truth[walked.values.argmax()] < 0.1)
        cases[f"{name}: no more than steps times capacity pairs are visited"] = within
        cases[f"{name}: the best is found within 0.1"] = found
        tree = walked_values(_tree(policies), policies, 1, np.random.default_rng(0))
        first = [
            spanning_capacity(PolicyClass(policies.actions[:, :depth], 2)).high
            for depth in range(1, 5)
        ]
        cases[f"{name}: on a tree the capacities of all steps are visited"] = tree.n_pairs == sum(
            first
        )
    return cases


def _tree(policies: PolicyClass) -> StagedMDP:
    """Return a problem in which no two paths of these policies meet."""
    n_steps, n_states = policies.n_steps, policies.n_states
    following = np.zeros((n_steps, n_states, 2), dtype=np.int64)
    states = np.zeros(len(policies), dtype=np.int64)
    for step in range(n_steps):
        pairs = states * 2 + policies.actions[np.arange(len(policies)), step, states]
        taken, states = np.unique(pairs, return_inverse=True)
        if step + 1 < n_steps:
            following[step].reshape(-1)[taken] = np.arange(len(taken))
    return StagedMDP(
        transitions=np.eye(n_states)[following],
        rewards=np.zeros((n_steps, n_states, 2)),
        initial=np.eye(n_states)[0],
    )


# --- cells ---


def run_pool(arm: str, scale: Scale, seed: int) -> float:
    """Return minus the largest error; arms are `uniform, 16 steps` and so on."""
    way, _, steps = arm.partition(", ")
    return -system.pool_error(way, int(steps.split()[0]), N_ROLLOUTS[scale], seed)


def run_trees(arm: str, scale: Scale, seed: int) -> float:
    """Return minus the largest error of trees, or the queries per tree."""
    name = "many trees" if arm == "queries" else arm
    error, queries = system.tree_error(TREE_STEPS, TREES[name][scale], seed)
    return queries if arm == "queries" else -error


def run_choice(arm: str, scale: Scale, seed: int) -> float:
    """Return a number of the choice of a pool; arms are `core, value` and so on."""
    way, _, what = arm.partition(", ")
    return system.choice(way, CHOICE_STEPS[scale], N_ROLLOUTS[scale], seed)[what]


def run_petals(arm: str, scale: Scale, seed: int) -> float:
    """Return minus the largest error, or the petals that were wrong."""
    if arm == "wrong petals":
        return system.petals("popler", PETALS[scale], seed)["wrong"]
    return -system.petals(arm, PETALS[scale], seed)["error"]


def run_emulator(arm: str, scale: Scale, seed: int, *, what: str = "error") -> float:
    """Return minus the largest error of an emulator, or minus the regret of its best policy."""
    tolerance = TOLERANCE
    name = arm
    if arm == "all states taken for one":
        name, tolerance = "many states", NO_TOLERANCE
    if arm == "regret":
        name, what = "many states", "regret"
    n = EMULATOR_STATES[name][scale]
    return -system.emulation(n, LOCKS[scale], seed, tolerance=tolerance)[what]


# --- rules ---


def _mean_error(arms: Arms, arm: str) -> float:
    return -float(np.mean(arms[arm]))


def _errors(arms: Arms) -> bool:
    return all(bool((values <= 0).all()) for values in arms.values())


def _grows(way: str, low: float, high: float, arms: Arms) -> bool:
    """Return whether the error from 4 to 16 steps grows by a factor between two numbers."""
    factor = _mean_error(arms, f"{way}, 16 steps") / _mean_error(arms, f"{way}, 4 steps")
    return low < factor < high


def _shrinks(arms: Arms) -> bool:
    """Return whether 16 times the trees make about a quarter of the error."""
    return 2.5 < _mean_error(arms, "few trees") / _mean_error(arms, "many trees") < 6.0


CAPACITY = ExactClaim(
    id="agnostic-policy-learning.capacity",
    statement="Spanning capacities have their known values, where there are states enough.",
    source=SOURCE,
    cases=capacities,
)
AMPLIFICATION = ExactClaim(
    id="agnostic-policy-learning.amplification",
    statement="With an optimal member but without completeness, policy search by dynamic "
    "programming doubles one small mistake at every step, and conservative iteration is trapped.",
    source=SOURCE,
    cases=amplification,
)
WALK = ExactClaim(
    id="agnostic-policy-learning.walk",
    statement="A deterministic problem is learned by visiting at most steps times capacity pairs.",
    source=SOURCE,
    cases=walks,
)
CORE = StatisticalClaim(
    id="agnostic-policy-learning.core",
    statement="At 16 steps one pool of core roll-outs values all singletons, where uniform "
    "roll-outs are off by more than the largest return.",
    source=SOURCE,
    run=run_pool,
    arms=tuple(f"{way}, {steps} steps" for way in ("core", "uniform") for steps in STEPS),
    treatment="core, 16 steps",
    control="uniform, 16 steps",
    unit="seed",
    minimum_effect=1.0,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "at 2 steps the two ways do as well",
            arm="core, 2 steps",
            reference="uniform, 2 steps",
            limit=0.05,
        ),
        # by sqrt(17 / 5) and by 2 ** 6, within a factor of two and of four
        NegativeControl(
            "core errors grow like the root of steps", partial(_grows, "core", 0.9, 3.7)
        ),
        NegativeControl(
            "uniform errors grow exponentially", partial(_grows, "uniform", 16.0, 1024.0)
        ),
    ),
    invariants={"errors are not negative": _errors},
)
TREE = StatisticalClaim(
    id="agnostic-policy-learning.trees",
    statement="Random trees of no more than steps times capacity queries value all singletons, "
    "with an error that halves with four times the trees.",
    source=SOURCE,
    run=run_trees,
    arms=(*TREES, "queries"),
    treatment="many trees",
    control="few trees",
    unit="seed",
    minimum_effect=0.03,
    seeds=SEEDS,
    negative_controls=(
        NegativeControl("16 times the trees quarter the error", _shrinks),
        NegativeControl(
            "queries stay within steps * (steps + 1)",
            lambda arms: bool(np.max(arms["queries"]) <= TREE_STEPS * (TREE_STEPS + 1)),
        ),
    ),
)
CHOICE = StatisticalClaim(
    id="agnostic-policy-learning.choice",
    statement="The policy that a core pool chooses is worth more by 0.05 than the one that a "
    "uniform pool of the same size chooses at 12 steps.",
    source="pellucid",
    run=run_choice,
    arms=tuple(
        f"{way}, {what}" for way in ("core", "uniform") for what in ("value", "honest", "bounded")
    ),
    treatment="core, value",
    control="uniform, value",
    unit="seed",
    minimum_effect=0.05,
    seeds=SEEDS,
    negative_controls=(
        NegativeControl(
            "no bound on regret is exceeded",
            lambda arms: bool(arms["core, bounded"].all() and arms["uniform, bounded"].all()),
        ),
        # 13 of 16: fewer have a chance of less than one in a hundred if 95 % is true
        NegativeControl(
            "intervals hold the value, or say that it was not measured",
            lambda arms: bool(
                min(np.mean(arms[f"{way}, honest"]) for way in ("core", "uniform")) > 0.8
            ),
        ),
    ),
    invariants={
        "values lie between 0 and 1": lambda arms: all(
            bool(((values >= 0) & (values <= 1)).all()) for values in arms.values()
        )
    },
)
POPLER = StatisticalClaim(
    id="agnostic-policy-learning.popler",
    statement="POPLER finds exactly the petals worth learning, and values all singletons closer by "
    "0.1 than as many uniform episodes at 14 steps.",
    source=SOURCE,
    run=run_petals,
    arms=("popler", "wrong petals", "uniform", "blind"),
    treatment="popler",
    control="uniform",
    unit="seed",
    minimum_effect=0.1,
    seeds={**SEEDS, "cpu": tuple(range(300, 310))},
    negative_controls=(
        NegativeControl("no petal is wrong", lambda arms: bool((arms["wrong petals"] == 0).all())),
        NegativeControl(
            "errors stay within the wanted accuracy",
            lambda arms: _mean_error(arms, "popler") <= PETALS["cpu"].accuracy,
        ),
        stays_below(
            "without the rarer petals it is worse", arm="blind", reference="popler", limit=0.0
        ),
    ),
)
EMULATOR = StatisticalClaim(
    id="agnostic-policy-learning.emulator",
    statement="An emulator of a block lock values all policies at once, closer by 0.03 with 16 "
    "times the states, and its best policy is the lock's.",
    source=SOURCE,
    run=run_emulator,
    arms=(*EMULATOR_STATES, "all states taken for one", "regret"),
    treatment="many states",
    control="few states",
    unit="seed",
    minimum_effect=0.03,
    seeds=SEEDS,
    negative_controls=(
        NegativeControl(
            "taking all states for one leaves an error above 0.2",
            lambda arms: _mean_error(arms, "all states taken for one") > 0.2,
        ),
        NegativeControl(
            "the best policy of the emulator is best within 0.02",
            lambda arms: _mean_error(arms, "regret") < 0.02,
        ),
    ),
    invariants={"errors and regrets are not negative": _errors},
)
