"""Makes text that came from outside (names, messages, commands) harmless to show.

Environments, agents and plug-ins choose their own names. Escaping for HTML is the template's work;
what is done here is for what escaping leaves alone: control characters, terminal sequences, and
signs that turn the reading direction or cannot be seen.
"""

import re
import unicodedata

_SEQUENCES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC: titles, clipboard (52), links
    r"|\x1b[P^_X][^\x1b]*(?:\x1b\\)?"  # DCS, PM, APC, SOS
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor
    r"|\x1b[ -/]*[0-~]?"
)
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp", "Co"}


def visible(text: str) -> str:
    r"""Return the text with every sign that cannot be seen shown as a symbol.

    Example:
        >>> visible("a\tb\x1b[2Jc"), visible("x\u202ey")
        ('a⟨U+0009⟩b⟨U+001B⟩[2Jc', 'x⟨U+202E⟩y')
    """
    return "".join(_symbol(sign) for sign in str(text))


def visible_lines(text: str) -> str:
    r"""Return the text like `visible`, with its line ends and tabs as they are.

    Example:
        >>> visible_lines("a\n\tb\x00")
        'a\n\tb⟨U+0000⟩'
    """
    return "".join(sign if sign in "\n\t" else _symbol(sign) for sign in str(text))


def terminal_safe(text: str) -> str:
    r"""Return the text without terminal sequences and without signs that cannot be seen.

    Example:
        >>> terminal_safe("\x1b]52;c;aGk=\x07left\x1b[31m engine\nnow")
        'left engine now'
    """
    plain = _SEQUENCES.sub("", str(text))
    spaced = re.sub(r"[\t\n\r\v\f\x85\u2028\u2029]+", " ", plain)
    return "".join(sign for sign in spaced if unicodedata.category(sign) not in _HIDDEN)


def clip(text: str, width: int) -> str:
    """Return at most `width` signs, with an ellipsis if something was cut."""
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def _symbol(sign: str) -> str:
    # by number and not by Unicode's control pictures, which many fonts lack
    return f"⟨U+{ord(sign):04X}⟩" if unicodedata.category(sign) in _HIDDEN else sign
