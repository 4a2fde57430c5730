"""The subjects of the exam: each makes a question with options and the derivation of its answer.

A question is a function of its key, so that an example can be explained again from its group.
Texts are lower-case but for genotypes and option letters, and use few words.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from pellucid.posttrain.tasks.derivations import Derivation, Step

LETTERS = ("A", "B", "C", "D")


@dataclass(frozen=True)
class Question:
    """One question without its order of options.

    Args:
        wordings: Ways to ask it.
        right: The right option.
        wrong: The other options, each with the reason that makes it wrong: `(option, phrase)`,
            where the phrase continues "option B".
        steps: Of the explanation, without the reasons against the options.
        hint: What helps without telling the answer.
        n_inferences: Steps that follow from others.
    """

    wordings: tuple[str, ...]
    right: str
    wrong: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]
    hint: str
    n_inferences: int


def derivation(question: Question, letters: Mapping[str, str]) -> Derivation:
    """Return the whole explanation, given the letter of each option."""
    against = tuple(
        _step(
            "distractor",
            f"option {letters[option]} {phrase}",
            topics=((f"{' '.join(phrase.split()[:2])}",),),
            facts=(letters[option],),
            rivals=tuple(set(LETTERS) - {letters[option]}),
        )
        for option, phrase in question.wrong
    )
    n_given = sum(step.role in ("principle", "data") for step in question.steps)
    given = tuple(range(n_given))
    premises = [
        () if k < n_given else given if k == n_given else (k - 1,)
        for k in range(len(question.steps))
    ]
    last = len(question.steps) - 1
    return Derivation((*question.steps, *against), (*premises, *((last,) for _ in against)))


# --- physics: one quantity is another per a third ---

_RATIOS = {
    "density": ("mass", "grams", "volume", "litres"),
    "speed": ("distance", "metres", "time", "seconds"),
    "flow": ("volume", "litres", "time", "minutes"),
    "power": ("energy", "joules", "duration", "seconds"),
}


def ratio_key(rng: np.random.Generator) -> tuple[str, ...]:
    """Draw which quantity is asked for, and its two data."""
    name = str(rng.choice(list(_RATIOS)))
    divisor, quotient = (int(value) for value in rng.integers(2, 13, 2))
    return name, str(divisor * quotient), str(divisor)


def ratio(name: str, total: str, divisor: str) -> Question:
    """Return a question for a quantity that is a quotient, such as a density."""
    above, unit, below, per = _RATIOS[name]
    value = str(int(total) // int(divisor))
    one = per.removesuffix("s")

    def option(number: int) -> str:
        return f"{number} {unit} per {one}"

    steps = (
        _step(
            "principle",
            f"{name} is {above} divided by {below}",
            f"to get the {name} the {above} is divided by the {below}",
            topics=((name, above, below),),
            facts=("divided",),
            rivals=("multiplied", "plus", "minus"),
        ),
        *(
            _step(
                "data",
                f"the {what} is {number} {units}",
                f"here the {what} equals {number} {units}",
                topics=((what, units),),
                facts=(number,),
            )
            for what, number, units in ((above, total, unit), (below, divisor, per))
        ),
        _calculation("dividing", total, "by", divisor, value),
        _conclusion(f"the {name} is {option(int(value))}", (name,), (value,)),
    )
    return Question(
        wordings=(
            f"the {above} is {total} {unit}. the {below} is {divisor} {per}. what is the {name}?",
            f"find the {name} for {divisor} {per} of {below} and {total} {unit} of {above}.",
        ),
        right=option(int(value)),
        wrong=_distinct(
            option(int(value)),
            (option(int(total) * int(divisor)), "multiplies instead of dividing"),
            (option(int(total) - int(divisor)), "subtracts instead of dividing"),
            (option(int(total) + int(divisor)), "adds instead of dividing"),
            (option(int(value) + 1), "miscounts the quotient"),
        ),
        steps=steps,
        hint=f"think of {above} per {one}",
        n_inferences=2,
    )


# --- units ---

_UNITS = {
    ("hours", "minutes"): 60,
    ("weeks", "days"): 7,
    ("years", "months"): 12,
    ("days", "hours"): 24,
    ("metres", "decimetres"): 10,
    ("feet", "inches"): 12,
}


def unit_key(rng: np.random.Generator) -> tuple[str, ...]:
    """Draw two units and how many of the larger there are."""
    larger, smaller = list(_UNITS)[int(rng.integers(len(_UNITS)))]
    return larger, smaller, str(int(rng.integers(2, 13)))


def unit(larger: str, smaller: str, amount: str) -> Question:
    """Return a question that converts a unit into a smaller one."""
    factor = _UNITS[larger, smaller]
    one = "foot" if larger == "feet" else larger.removesuffix("s")
    value = int(amount) * factor
    steps = (
        _step(
            "principle",
            f"one {one} has {factor} {smaller}",
            f"there are {factor} {smaller} in one {one}",
            topics=((f"one {one}", smaller),),
            facts=(str(factor),),
        ),
        _step(
            "data",
            f"the question gives {amount} {larger}",
            f"we start from {amount} {larger}",
            topics=(("question gives", larger), ("start from", larger)),
            facts=(amount,),
        ),
        _calculation("multiplying", amount, "by", str(factor), str(value)),
        _conclusion(f"the result is {value} {smaller}", ("result",), (str(value), smaller)),
    )
    return Question(
        wordings=(
            f"how many {smaller} are {amount} {larger}?",
            f"convert {amount} {larger} into {smaller}.",
        ),
        right=f"{value} {smaller}",
        wrong=_distinct(
            f"{value} {smaller}",
            (f"{int(amount) + factor} {smaller}", "adds the numbers"),
            (f"{value + factor} {smaller}", f"counts one {one} too many"),
            (f"{amount} {smaller}", "forgets the factor"),
        ),
        steps=steps,
        hint=f"remember how many {smaller} one {one} has",
        n_inferences=2,
    )


# --- equations ---


def equation_key(rng: np.random.Generator) -> tuple[str, ...]:
    """Draw the numbers of a x + b = c."""
    factor, root, added = (int(value) for value in rng.integers(2, 10, 3))
    return str(factor), str(added), str(factor * root + added)


def equation(factor: str, added: str, total: str) -> Question:
    """Return a linear equation."""
    rest = int(total) - int(added)
    root = rest // int(factor)
    steps = (
        _step(
            "principle",
            "first undo the addition and then the multiplication",
            "we undo the addition before the multiplication",
            topics=(("undo", "addition", "multiplication"),),
            facts=(),
        ),
        _calculation("subtracting", added, "from", total, str(rest)),
        _calculation("dividing", str(rest), "by", factor, str(root)),
        _conclusion(f"x is {root}", ("x",), (str(root),)),
    )
    return Question(
        wordings=(
            f"solve {factor} x + {added} = {total} for x.",
            f"for which x is {factor} x + {added} equal to {total}?",
        ),
        right=str(root),
        wrong=_distinct(
            str(root),
            (str(rest), "forgets the factor"),
            (str(int(total) - int(factor)), "subtracts the factor"),
            (str(root + int(added)), "adds the constant twice"),
            (str(root + 1), "miscounts the quotient"),
        ),
        steps=steps,
        hint="take the constant away from both sides",
        n_inferences=3,
    )


# --- genetics ---

_TRAITS = {"A": "tall", "B": "brown", "R": "red", "T": "thick"}


def genetics_key(rng: np.random.Generator) -> tuple[str, ...]:
    """Draw the genotypes of two parents and the trait that is asked for."""
    letter = str(rng.choice(list(_TRAITS)))
    mother, father = (_genotypes(letter)[int(k)] for k in rng.integers(3, size=2))
    return mother, father, str(rng.choice(["dominant", "recessive"]))


def genetics(mother: str, father: str, asked: str) -> Question:
    """Return a question for the children of two parents, answered by a Punnett square."""
    letter = mother[0].upper()
    trait = _TRAITS[letter]
    squares = [_ordered(a + b) for a, b in product(mother, father)]
    n_dominant = sum(letter in square for square in squares)
    n_asked = n_dominant if asked == "dominant" else 4 - n_dominant
    genotypes = frozenset(_genotypes(letter))
    steps = (
        _step(
            "principle",
            f"one allele {letter} is enough for the dominant trait {trait}",
            f"the trait {trait} is dominant so one allele {letter} is enough",
            topics=(("allele", trait),),
            facts=(letter, "dominant", "enough"),
            rivals=("recessive",),
        ),
        *(
            _step(
                "data",
                f"the {who} has the genotype {genotype}",
                f"{genotype} is the genotype of the {who}",
                topics=(("genotype", who),),
                facts=(genotype,),
                rivals=tuple(genotypes),
            )
            for who, genotype in (("mother", mother), ("father", father))
        ),
        _step(
            "step",
            f"the four squares hold {' '.join(squares)}",
            f"we fill the four squares with {' '.join(squares)}",
            topics=(("four squares",),),
            facts=tuple(squares),
            rivals=tuple(genotypes),
        ),
        _step(
            "step",
            f"{n_asked} of them show the {asked} trait",
            f"the {asked} trait is in {n_asked} of them",
            topics=(("of them", "trait"),),
            facts=(str(n_asked), asked),
            rivals=("dominant", "recessive"),
        ),
        _conclusion(f"the share is {n_asked} in 4", ("share",), (str(n_asked),)),
    )
    ask = (
        f"the mother is {mother} and the father is {father}. which share of the children shows "
        f"the {asked} trait?"
    )
    return Question(
        wordings=(
            f"the allele {letter} for {trait} is dominant. {ask}",
            f"{trait} needs one {letter}. {ask}",
        ),
        right=f"{n_asked} in 4",
        wrong=_distinct(
            f"{n_asked} in 4",
            (f"{4 - n_asked} in 4", "counts the other trait"),
            (f"{(n_asked + 1) % 5} in 4", "misses a square"),
            (f"{(n_asked + 3) % 5} in 4", "reads one parent only"),
            (f"{(n_asked + 2) % 5} in 4", "mixes the parents up"),
        ),
        steps=steps,
        hint="fill a square with one allele of each parent",
        n_inferences=3,
    )


def _genotypes(letter: str) -> list[str]:
    return [letter + letter, letter + letter.lower(), letter.lower() * 2]


def _ordered(genotype: str) -> str:
    return "".join(sorted(genotype))  # capitals come first


# --- logic ---

_NOUNS = ("wug", "dax", "fep", "blick", "toma", "zorp", "kiki", "lorp")
_NAMES = ("rex", "mia", "tom", "ada")


def logic_key(rng: np.random.Generator) -> tuple[str, ...]:
    """Draw who it is about and a chain of three or four kinds."""
    n_kinds = int(rng.integers(3, 5))
    kinds = rng.choice(_NOUNS, n_kinds, replace=False)
    return (str(rng.choice(_NAMES)), *(str(kind) for kind in kinds))


def logic(name: str, *kinds: str) -> Question:
    """Return a question that follows a chain of "every … is a …" to its end."""
    rules = list(pairwise(kinds))
    other = next(noun for noun in _NOUNS if noun not in kinds)
    rivals = _NOUNS
    links = [
        _step(
            "step",
            f"every {lower} is a {upper} and this makes {name} a {upper}",
            f"since every {lower} is a {upper} we know that {name} is a {upper}",
            topics=((f"every {lower}", name),),
            facts=(upper,),
            rivals=rivals,
        )
        for lower, upper in rules
    ]
    steps = (
        _step(
            "principle",
            "what holds for every member holds for each one",
            "a rule for every member holds for each one",
            topics=(("every member", "each one"),),
            facts=("holds",),
        ),
        _step(
            "data",
            f"it is given that {name} is a {kinds[0]}",
            f"given is a {kinds[0]} called {name}",
            topics=(("given", name),),
            facts=(kinds[0],),
            rivals=rivals,
        ),
        *links,
        _conclusion(f"{name} must be a {kinds[-1]}", (name,), (kinds[-1],), rivals),
    )
    told = ". ".join(f"every {lower} is a {upper}" for lower, upper in reversed(rules))
    return Question(
        wordings=(
            f"{told}. {name} is a {kinds[0]}. what follows?",
            f"{name} is a {kinds[0]}. {told}. which one is true?",
        ),
        right=f"{name} is a {kinds[-1]}",
        wrong=(
            (f"every {kinds[-1]} is a {kinds[0]}", "turns the rules around"),
            (f"{name} is no {kinds[1]}", "denies the first rule"),
            (f"{name} is a {other}", "names an unknown kind"),
        ),
        steps=steps,
        hint=f"start at the {kinds[0]}",
        n_inferences=len(rules) + 1,
    )


SUBJECTS: Mapping[
    str, tuple[Callable[[np.random.Generator], tuple[str, ...]], Callable[..., Question]]
] = {
    "physics": (ratio_key, ratio),
    "units": (unit_key, unit),
    "equations": (equation_key, equation),
    "genetics": (genetics_key, genetics),
    "logic": (logic_key, logic),
}
"""Per subject: what draws a key, and what makes a question of it."""


# --- parts of steps ---


def _step(
    role: str,
    *phrasings: str,
    topics: tuple[tuple[str, ...], ...],
    facts: tuple[str, ...],
    rivals: tuple[str, ...] = (),
) -> Step:
    return Step(role, phrasings, topics, frozenset(facts), frozenset(rivals) - frozenset(facts))  # type: ignore[arg-type]


def _calculation(verb: str, first: str, word: str, second: str, value: str) -> Step:
    return _step(
        "step",
        f"{verb} {first} {word} {second} gives {value}",
        f"we get {value} by {verb} {first} {word} {second}",
        topics=((verb,),),
        facts=(first, second, value),
    )


def _conclusion(
    statement: str, topic: tuple[str, ...], facts: tuple[str, ...], rivals: tuple[str, ...] = ()
) -> Step:
    return _step(
        "result",
        f"so {statement}",
        f"hence {statement}",
        topics=(("so", *topic), ("hence", *topic)),
        facts=facts,
        rivals=rivals,
    )


def _distinct(right: str, *candidates: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for option, phrase in candidates:
        if option != right:
            found.setdefault(option, phrase)
    return tuple(found.items())[: len(LETTERS) - 1]
