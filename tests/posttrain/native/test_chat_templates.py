"""Templates of strangers: rendered as they are meant, and kept from everything else."""

import pytest

from pellucid.errors import InputError
from pellucid.posttrain.native.chat_templates import render

CHATML = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
HELLO = [{"role": "user", "content": "hé \ud800"}]


def test_conversations_become_text() -> None:
    both = render(CHATML, [HELLO, HELLO * 2], special_tokens={"eos_token": "</s>"})
    turn = "<|user|>hé \ud800</s>\n"
    assert both == [f"{turn}<|assistant|>", f"{turn}{turn}<|assistant|>"]
    closed = render(CHATML, [HELLO], add_generation_prompt=False)
    assert closed == ["<|user|>hé \ud800\n"]


def test_what_templates_of_the_hub_use_is_there() -> None:
    template = (
        "{% generation %}{{ {'é': 1} | tojson }}{% endgeneration %}"
        "{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}"
        "{{ strftime_now('%Y') | length }}"
    )
    assert render(template, [HELLO]) == ['{"é": 1}014']


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ messages.__class__.__mro__ }}", "SecurityError: access to attribute '__class__'"),
        ("{{ raise_exception.__globals__['sys'] }}", "__globals__"),
        ("{{ messages.append(1) }}", "SecurityError: access to attribute 'append'"),
        ("{% for i in range(10**9) %}{% endfor %}", "Range too big"),
        ("{{ raise_exception('roles must alternate') }}", "roles must alternate"),
        ("{% if", "TemplateSyntaxError"),
        ("{{ nothing.at.all }}", "UndefinedError"),
        ("{% include '/etc/passwd' %}", "no loader"),
    ],
)
def test_what_a_template_may_not_do_is_named(template: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        render(template, [HELLO])


@pytest.mark.slow
def test_time_and_memory_are_bounded() -> None:
    loops = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    with pytest.raises(InputError, match=r"did not end within 0\.5 s"):
        render(loops, [HELLO], seconds=0.5)
    with pytest.raises(InputError, match="MemoryError"):
        render("{{ 'a' * 10**11 }}", [HELLO])
    with pytest.raises(InputError, match="more than 50000000 characters"):
        render("{{ 'a' * 60000000 }}", [HELLO])
    with pytest.raises(InputError, match="a chat template of 1000001 characters"):
        render("a" * 1_000_001, [HELLO])
