"""Any tokenizer of `transformers` as a `Tokenizer`, with conversations for those that know them."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from pellucid.errors import InputError
from pellucid.posttrain.native import chat_templates

logger = logging.getLogger(__name__)
_NAMED = ("bos_token", "eos_token", "pad_token", "unk_token")


class HuggingFaceTokenizer:
    """A tokenizer of `transformers`; satisfies `Tokenizer`.

    Without a padding token, that of the end stands in: masks say where padding is, so that the two
    are never mistaken.

    Args:
        tokenizer: A `PreTrainedTokenizerBase`.

    Raises:
        InputError: It has no token that ends a text.
    """

    def __init__(self, tokenizer: Any) -> None:
        if tokenizer.eos_token_id is None:
            raise InputError(
                "the tokenizer has no token that ends a text (eos_token)",
                hint="set tokenizer.eos_token to one of its tokens before wrapping it",
            )
        if tokenizer.pad_token_id is None:
            logger.info("the tokenizer has no padding token; its end token stands in")
        self.tokenizer = tokenizer

    @property
    def vocab_size(self) -> int:
        """Number of tokens, those that were added included."""
        return len(self.tokenizer)

    @property
    def eos_id(self) -> int:
        """The token that ends a completion."""
        return int(self.tokenizer.eos_token_id)

    @property
    def pad_id(self) -> int:
        """What fills tensors; the end token if there is none of padding."""
        pad_id = self.tokenizer.pad_token_id
        return self.eos_id if pad_id is None else int(pad_id)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, with no token added.

        Tokens that the text spells, as a rendered conversation does, are recognised.

        Raises:
            InputError: The text is not valid Unicode.
        """
        try:
            ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        except (UnicodeError, TypeError, ValueError) as error:
            first = (str(error).splitlines() or [""])[0][:200]
            raise InputError(f"the text cannot be tokenised: {first}") from None
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; tokens that only mark something are left out."""
        rules = getattr(self.tokenizer, "backend_tokenizer", None)
        if rules is not None:
            # what `decode` of a fast tokenizer calls, without what surrounds it
            return str(rules.decode(list(ids), skip_special_tokens=True))
        return str(
            self.tokenizer.decode(
                list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )

    def token(self, token_id: int) -> str:
        """Return one token as it may be shown to a person."""
        text: str = self.tokenizer.decode([token_id], clean_up_tokenization_spaces=False)
        return text

    def render(
        self,
        conversations: Sequence[Sequence[Mapping[str, Any]]],
        *,
        add_generation_prompt: bool = True,
    ) -> list[str]:
        """Return conversations as text by the tokenizer's chat template, in a sandbox.

        Args:
            conversations: Lists of messages, each with `role` and `content`.
            add_generation_prompt: Whether to end with what opens the assistant's turn.

        Raises:
            InputError: There is no chat template, or it cannot be rendered; see
                `chat_templates.render`.
        """
        template = self.tokenizer.chat_template
        if isinstance(template, Mapping):
            template = template.get("default")
        if not template:
            raise InputError(
                "the tokenizer has no chat template, and prompts are conversations",
                hint="give prompts as plain text, or set tokenizer.chat_template",
            )
        named = {name: getattr(self.tokenizer, name) for name in _NAMED}
        return chat_templates.render(
            template,
            conversations,
            special_tokens={name: text for name, text in named.items() if text is not None},
            add_generation_prompt=add_generation_prompt,
        )
