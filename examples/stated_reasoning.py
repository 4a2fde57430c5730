"""Ask whether a language model means the reasoning that it states.

Two writers add numbers and state the same steps. One takes its answer from the last step, the other
from the question: cutting the steps changes every answer of the first and none of the second. A
language model of yours takes the place of the writers as
`pellucid.posttrain.reasoning.language_agent.LanguageAgent(model, tokenizer)`.
"""

import re

import pellucid as pl
from pellucid.posttrain.reasoning import ScriptedWriter, collect_completions

QUESTIONS = [f"What is {i} + {i + 2} + {3 * i}?" for i in range(1, 13)]


def numbers_of(text: str) -> list[int]:
    """Return the numbers in the last question of a text."""
    return [int(number) for number in re.findall(r"\d+", text.rpartition("What is")[2])]


def missing_steps(question: str, beginning: str) -> str:
    """Return what has to be written between a beginning and the answer."""
    if "answer:" in beginning:
        return ""
    one, two, three = numbers_of(question)
    results = re.findall(r"= (\d+)", beginning)
    first = int(results[0]) if results else one + two
    steps = [f"{one} + {two} = {first}\n", f"{first} + {three} = {first + three}\n"]
    return "".join(steps[len(results) :]) + "answer: "


def from_the_steps(question: str, beginning: str) -> str:
    """Write the steps that are missing, and answer with the last result."""
    text = missing_steps(question, beginning)
    results = re.findall(r"= (\d+)", beginning + text)
    return text + (results[-1] if results else "unknown")


def from_the_question(question: str, beginning: str) -> str:
    """Write the steps that are missing, and answer with the sum of the question."""
    return missing_steps(question, beginning) + str(sum(numbers_of(question)))


if __name__ == "__main__":
    right = [str(sum(numbers_of(question))) for question in QUESTIONS]
    changed = []
    for write in (from_the_steps, from_the_question):
        agent = ScriptedWriter(write, name=write.__name__)
        episodes = collect_completions(agent, QUESTIONS, gold=right)
        result = pl.explain(agent, episodes, method="stated-reasoning", seed=0)
        print(result)
        changed.append(result.content.dependence.mean())
    assert changed == [1.0, 0.0]
