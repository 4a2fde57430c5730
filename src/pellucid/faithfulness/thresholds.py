"""Every threshold of the badge rule and of the tests, in one place; the report prints them."""

from pellucid.stats import CONFIDENCE

# --- the badge rule (REPORT.md, section 2) ---

INTERVAL_CONFIDENCE = CONFIDENCE
"""Confidence of all intervals."""
UNITS_FOR_SUPPORTED = 10
"""Independent units below which a claim is weak at best."""
UNITS_FOR_WEAK = 5
"""Independent units below which nothing is measured."""

# --- is it the agent that was meant ---

OTHER_INPUTS = 10.0
"""Standard deviations of the inputs that a network was made for, by which the mean of an input may
lie elsewhere or by which an input may spread more, before they count as other inputs."""

# --- closed-loop tests ---

HIDDEN_INPUTS = 10
"""Inputs that are hidden one by one for the control; all of them if there are no more."""
REPLAYS = 20
"""Replays of a claim about one episode or state, if the budget pays for them."""
HIGHLIGHT_SHARE = 0.05
"""Share of an episode for which actions are random from a highlighted moment on."""
LENGTHENING = 1.5
"""How much longer than recorded an episode is taken to run once the agent is disturbed."""

# --- open-loop tests ---

RANDOM_RANKINGS = 200
"""Random rankings that make up the control of an attribution."""
STATES_PER_EPISODE = 20
"""Explained states of one episode that an open-loop test uses at most."""
HIDING_LEVELS = 16
"""Levels of hiding at most, evenly spread; all of them up to 17 inputs."""
NEAREST_STATES = 5
"""Nearest visited states of which one replaces hidden inputs, given the visible ones."""
NEAREST_AMONG = 1000
"""Visited states of other episodes among which the nearest ones are looked for, at most."""
OTHER_REPLACEMENTS_SHARE = 0.1
"""Share of the budget left that a test with replacement values that do not decide may use before
the sanity checks."""
LAST_SHARE = 0.25
"""Share of the budget left that each supporting test with other replacement values may use after
them."""
CHANGED_ACTION = 0.1
"""Share of its range by which a dimension of a continuous action must move to count as another
choice."""

# --- stand-ins ---

RETURN_LIMIT = 0.1
"""Share of the agent's return above random actions that a stand-in may lose."""
STAND_IN_EPISODES = 20
"""Episodes whose states tell how a stand-in differs from the agent."""
SHUFFLED_TREES = 5
"""Trees on shuffled labels that make up the control of a stand-in."""
LEAST_PROBABILITY = 1e-6
"""Probabilities below count as this: one action that is never taken decides no regret."""

# --- graphs ---

SHUFFLED_GRAPHS = 20
"""Random partings of the states that make up the control of what a graph says is earned."""

# --- stated reasoning ---

REMOVED_STEPS = 4
"""Steps of one prompt that are left out one by one at most, evenly spread."""
MISTAKEN_STEPS = 2
"""Steps of one prompt that get a mistake, one at a time, at most."""
TOLD_APART = 0.5
"""What the interval of the test's AUC on the planted models must be above."""

# --- sanity checks ---

RANDOMISED_DRAWS = 5
"""Agents with redrawn weights."""
RELABELLINGS = 200
"""Random relabellings of the inputs that make up the random band, per draw."""
RANDOM_BAND = 0.95
"""Quantile of the random band that the correlation after redrawing the weights must stay below."""
SANITY_EPISODES = 5
"""Episodes that are explained again by a sanity check."""
SANITY_SHARE = 0.5
"""Share of the budget left that one sanity check may use for explaining again."""
DUMMY_SHARE = 0.01
"""Largest share of the attribution that an ignored input may get."""
COPY_SPLIT = 0.05
"""Largest difference between an input and its copy, as a share of what both get."""

# --- parts of the return ---

PART_REPLICATES = 5
"""Fresh futures of one arm of one state at most, whose mean is what was measured."""
PART_PERMUTATIONS = 20
"""Permutations of the components of one state that make up the control."""

# --- subgoals ---

ALIKE_REGIONS = 5
"""Regions visited about as often as a subgoal, of which one takes its place in the control."""
REPLACED_SUBGOALS = 20
"""Draws of such regions that make up the control."""

# --- forecasts ---

UNDER_COVERAGE = 0.1
"""By how much less than announced bands may cover."""

# --- teams ---

TESTED_COALITIONS = 4
"""Random coalitions of a team in one episode of a test."""
RANDOM_SPLITS = 20
"""Random splits of a total that make up the control of credits."""

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def in_words(count: int) -> str:
    """Return a small count as a word, so that a reason holds no figure without a fact.

    Example:
        >>> in_words(5), in_words(12)
        ('five', '12')
    """
    return _WORDS[count] if 0 <= count < len(_WORDS) else str(count)


# --- certificates ---

CERTIFIED_STATES = 30
"""Certified states that are solved again at most, spread over all of them."""
CERTIFICATE_ATTACKS = 10_000
"""Random changes inside the radii, over all attacked states; none may change a decision."""
PERMUTED_RADII = 20
"""Orders of the radii that make up the control of certificates."""
INSIDE = 0.999
"""How far inside a radius attacks stay: on its edge rounding may decide."""

# --- changed states ---

RANDOM_CHANGES = 4
"""Random changes of the same size that make up the control of one changed state."""
RARE_STATE = 0.05
"""Share of visited states that a changed state must not be more isolated than, or it is rare."""
RARE_STATES = 0.5
"""Largest share of changed states that may be rare."""

# --- recorded episodes ---

RANDOM_REMOVALS = 20
"""Draws of random episodes that make up the control of episodes that are taken out."""
VOTING_MOMENTS = 10
"""Nearest recorded moments whose mean action is what a clone prefers that fits nothing."""

# --- probes ---

STATE_TYPES = 40
"""Types of states that get random labels in a control task."""
CONTROL_TASKS = 10
"""Control tasks of each concept."""

# --- patches ---

PATCHED_PAIRS = 20
"""New pairs of states of a test of hidden units, one per episode."""
RANDOM_PATCHES = 20
"""Draws of random units, and of random directions, that make up the controls."""
NAMED_UNITS_SHARE = 0.05
"""Share of a hidden layer's units that are patched together, at least one."""

# --- steering ---

STEERED_STATES = (200, 80, 40)
"""Held-out states of a test of a concept that a network is steered along, evenly spread: the most
that the budget pays for. Half as many of the other episodes tell what a direction of a control is
said to move."""
STEERED_DIRECTIONS = 20
"""Random directions that make up the first control, and random labels that make up the second."""
