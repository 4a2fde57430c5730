"""How much larger the change is at the named moments than at random ones."""

import numpy as np

from pellucid.explanation import Check, Control, Score, Summary, metric
from pellucid.seeds import stream
from pellucid.stats import mean_interval, paired_gap
from pellucid_toy.jumps import jumps

N_RANDOM = 10


@metric(
    "toy_jump_size",
    kind=Summary,
    label="size of the change at the named moment",
    direction="higher",
    unit="episode",
    source="pellucid-toy 2026",
    closed_loop=True,
)
def jump_size(check: Check) -> tuple[Score, ...]:
    """Compare, episode by episode, with the mean over moments drawn at random."""
    rng = stream(check.seed, "toy_jump_size")
    content = check.finding.content
    sizes = [jumps(check.episodes[i]) for i in content.steps[:, 0]]
    named = np.array([s[step] for s, step in zip(sizes, content.steps[:, 1], strict=True)])
    random = np.array([s[rng.integers(len(s), size=N_RANDOM)].mean() for s in sizes])
    score = Score(
        metric="toy_jump_size",
        label="size of the change at the named moment",
        interval=mean_interval(named),
        unit="episode",
        direction="higher",
        control=Control("moments drawn at random", mean_interval(random)),
        gap=paired_gap(named, random, "higher"),
        closed_loop=True,
    )
    return (score,)
