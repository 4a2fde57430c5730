"""Reward hypotheses: which terms of the reward an agent acts as if they were absent (leaf B2a)."""

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.acting import choose_actions
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError, DataError, InputError
from pellucid.explanation import Contributions, Finding, Sentences, Task, explainer, fact
from pellucid.seeds import stream
from pellucid.tabular.hypotheses import Hypotheses, absence, beliefs, term_tables

DISCOUNT = 0.99
LIKELY = 0.8
"""Belief from which on a term is said to be absent."""
COSTLY = 0.01
"""Return lost from which on an absence matters, as a share of what the best policy earns above
random actions."""
MOST_STATES, FEWEST_STATES = 2000, 5
DRAWS = 200
"""Times that the observed choices are resampled."""

_QUESTION = "Which terms of the reward does it act as if they were absent?"


@explainer(
    "reward-hypotheses",
    leaf="B2a",
    kind=Contributions,
    decisive="hypothesis_choices",
    source="Tabrez 2019 (RARE), partial reward functions as hypotheses",
    question=_QUESTION,
    sentences=Sentences(
        supported="It acts as if {h} (cost: {c} {coin}): of its choices in fresh episodes this "
        "tells {d} % ({lo} to {hi}), a random hypothesis {r} %.",
        weak="It may act as if {h}: of its choices in fresh episodes this tells {d} % ({lo} to "
        "{hi}), not clearly more than a random hypothesis ({r} %).",
        thin="It may act as if {h}: of its choices in fresh episodes this tells {d} % ({lo} to "
        "{hi}), a random hypothesis {r} %; but {reason}.",
        failed="We could not show which terms it acts for: random hypotheses tell as many of its "
        "choices. Do not use the beliefs.",
        not_measured="Which terms it acts for was not tested: {reason}. To test it: {need}.",
        does_not_say="that it was trained without these terms, or that other rewards would not "
        "tell its choices as well",
    ),
    options={"discount": f"weight of the next step, from 0 to below 1 ({DISCOUNT})"},
)
class RewardHypotheses:
    """Weighs, by the agent's choices, every way in which terms of the reward could be absent.

    The problem is solved with each subset of the terms left out, so the environment must show its
    outcomes as a table; the terms are those of `--reward-terms`, or else the values of reward that
    occur in it. All hypotheses are alike before; after, each is as likely as the agent's choices in
    the distinct states that it visited are to one who is nearly the best by the terms that are left
    (drawn in proportion to exp(Q / temperature), averaged over three temperatures). A term is named
    if it is absent with a belief of 0.8 or more in hypotheses that cost at least a hundredth of
    what the best policy earns above random actions: an absence that changes nothing is not told
    from none. Standard errors are over resampled states. Deviation from Tabrez 2019: the agent's
    noise is not known and averaged over, and nothing is repaired.
    """

    def plan(self, task: Task) -> Cost:
        """Return one query per distinct visited state; solving costs neither queries nor steps.

        Raises:
            BudgetError: The budget does not pay for five.
            CapabilityError: There is no environment.
            DataError: There are no visited states.
        """
        return Cost(queries=len(_visited(task)))

    def explain(self, task: Task) -> Finding:
        """Solve the problem under every hypothesis and weigh them by the agent's choices."""
        visited = _visited(task)
        spec = task.episodes.spec
        assert spec is not None
        discount = _discount(task)
        hypotheses = Hypotheses(term_tables(spec, discount=discount))
        actions = choose_actions(task.agent, visited, "greedy", ()).astype(np.int64)
        log_chances = hypotheses.log_chances(visited.astype(np.int64), actions)
        belief = beliefs(log_chances, np.ones(len(visited)))
        costly = hypotheses.costs > COSTLY * hypotheses.spread
        missing = absence(belief, hypotheses.absent, costly) >= LIKELY
        named = int(np.flatnonzero((hypotheses.absent == missing).all(axis=1))[0])
        terms = hypotheses.tables.names
        return Finding(
            question=_QUESTION,
            content=Contributions(
                names=tuple(_words(row, terms) for row in hypotheses.absent),
                values=100.0 * belief,
                standard_errors=100.0 * _errors(log_chances, task.seed),
                total=100.0,
                unit="% of the belief",
                absent=hypotheses.absent,
                term_names=terms,
                named=named,
                discount=discount,
            ),
            facts={
                "h": fact(f"{_words(missing, terms).removesuffix(' absent')} were absent"),
                "c": fact(float(hypotheses.costs[named])),
                "coin": fact(task.episodes.names.reward_unit),
                "n_states": fact(len(visited)),
                "n_hypotheses": fact(len(belief)),
                "belief": fact(float(100.0 * belief[named])),
            },
        )


def _visited(task: Task) -> Int[np.ndarray, " states"]:
    if task.episodes.spec is None:
        raise CapabilityError(
            "the problem must be solved again, and these are logs without an environment",
            hint="give the environment",
        )
    if len(task.episodes) == 0 or len(task.episodes.visited) == 0:
        raise DataError("there are no visited states to explain", hint="collect episodes first")
    if task.episodes.visited.ndim != 1:
        raise CapabilityError(
            f"{task.episodes.spec.id} does not observe the number of its state, so that it shows "
            "no table of outcomes",
            hint="FrozenLake, CliffWalking and Taxi do; reward-components needs none",
        )
    found = np.unique(task.episodes.visited)
    most = min(MOST_STATES, task.meter.left.queries)
    if most < min(FEWEST_STATES, len(found)):
        raise BudgetError(
            f"hypotheses need at least {FEWEST_STATES} agent queries; {most} are left",
            hint=f"a larger budget: at least {FEWEST_STATES} queries for this method",
        )
    return np.asarray(found[:most])


def _discount(task: Task) -> float:
    discount = float(task.options.get("discount", DISCOUNT))
    if not 0 <= discount < 1:
        raise InputError(f"expected a discount from 0 to below 1, got {discount}")
    return discount


def _errors(
    log_chances: Float[np.ndarray, "hypotheses temperatures choices"], seed: int
) -> Float[np.ndarray, " hypotheses"]:
    """Return the spread of the beliefs when the states are drawn again, with replacement."""
    n = log_chances.shape[2]
    rng = stream(seed, "reward-hypotheses", "states")
    drawn = [beliefs(log_chances, rng.multinomial(n, np.full(n, 1 / n))) for _ in range(DRAWS)]
    return np.asarray(np.std(drawn, axis=0, ddof=1))


def _words(absent: np.ndarray, terms: tuple[str, ...]) -> str:
    """Return which terms are absent.

    Example:
        >>> _words(np.array([True, False, True]), ("fuel", "time", "toll"))
        'fuel and toll absent'
    """
    gone = [name for name, is_absent in zip(terms, absent, strict=True) if is_absent]
    if not gone:
        return "no term absent"
    listed = ", ".join(gone[:-1])
    return f"{listed} and {gone[-1]} absent" if listed else f"{gone[-1]} absent"
