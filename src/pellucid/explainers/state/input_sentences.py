"""What explanations of inputs say, whichever method ranked them."""

from pellucid.explanation import Sentences

QUESTION = "Which inputs drive its choices?"

CLOSED = Sentences(
    supported="{x} drives its choices: hiding it costs {d} {unit} ({lo} to {hi}); "
    "hiding a random input costs {r}.",
    weak="{x} may matter most, but hiding it costs {d} {unit} ({lo} to {hi}), "
    "not clearly more than a random input ({r}).",
    thin="{x} may drive its choices: hiding it costs {d} {unit} ({lo} to {hi}), "
    "a random input {r}; but {reason}.",
    failed="We could not show which inputs matter: hiding the top-ranked one costs no more than "
    "hiding a random one. Do not use the ranking.",
    not_measured="Which inputs matter was not tested: {reason}. To test it: {need}.",
    does_not_say="that changing {x} in the world would change the result the same way",
)
"""Where the environment can be run again."""
LOGGED = Sentences(
    supported="{x} drives its choices: hiding inputs, most telling first, changes {d} % of them "
    "({lo} to {hi}); in random order {r} %.",
    weak="{x} may matter most; hiding inputs, most telling first, changes {d} % of choices "
    "({lo} to {hi}), not clearly more than random order ({r} %).",
    thin="{x} may drive its choices: hiding inputs, most telling first, changes {d} % of them "
    "({lo} to {hi}), in random order {r} %; but {reason}.",
    failed="We could not show which inputs matter: hiding the most telling first changes no more "
    "choices than random order. Do not use the ranking.",
    not_measured=CLOSED.not_measured,
    does_not_say=CLOSED.does_not_say,
)
"""Where there are only logged states."""
