"""The frame of a prompt and the two answers as tokens.

P(yes) = exp(l_yes) / (exp(l_yes) + exp(l_no))        (Eq. 2 and 3 of the paper)
"""

from __future__ import annotations

from itertools import takewhile
from typing import Any, NamedTuple

from jinja2 import TemplateError
from torch import Tensor

from userip_lightning.baselines.rella.prompt import ReLLaPrompt
from userip_lightning.errors import InputError
from userip_lightning.lm.prompt import Tokenizer, encode

#: Stands where the content goes while a chat template is rendered, once.
_CONTENT = "<the content>"


class Frame(NamedTuple):
    """What stands around every prompt's content."""

    start: tuple[int, ...]  # ids of the tokens before the text: BOS, where no chat template writes it
    head: str
    tail: str
    space: str  # what stands between tail and answer


class Answers(NamedTuple):
    """Tokens of the two answers."""

    lead: tuple[int, ...]  # tokens that both begin with; they stand behind every prompt
    yes: int  #              first token of the rest of the positive answer
    no: int  #               the same of the negative one


def frame_of(template: ReLLaPrompt, tokenizer: Any) -> Frame:
    """The chat template's words around a message, or plain lines where the tokenizer has none.

    Raises:
        InputError: the chat template takes no system message, or drops the user's.
    """
    if tokenizer.chat_template is None:
        start = () if tokenizer.bos_token_id is None else (int(tokenizer.bos_token_id),)
        head = f"{template.system}\n" if template.system else ""
        return Frame(start, head, f"\n{template.answer}", " ")
    system = [] if template.system is None else [{"role": "system", "content": template.system}]
    chat = [*system, {"role": "user", "content": _CONTENT}]
    try:
        text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    except TemplateError as error:
        raise InputError(
            f"rella.model.prompt.system: the model's chat template refuses the prompt ({error}); set it to "
            "null."
        ) from None
    head, found, tail = text.partition(_CONTENT)
    if not found:
        raise InputError("rella.model.lm: its chat template drops the user's message; choose another model.")
    return Frame((), head, tail, "")


def answer_tokens(template: ReLLaPrompt, frame: Frame, tokenizer: Tokenizer) -> Answers:
    """Tokens by which the answers are told apart, as they follow a prompt.

    Raises:
        InputError: an answer is empty, or nothing tells the two apart.
    """
    yes, no = (_following(frame, answer, tokenizer) for answer in (template.yes, template.no))
    same = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(yes, no, strict=False))))
    if same == min(len(yes), len(no)):
        raise InputError(
            f"rella.model.prompt: the answers {template.yes!r} and {template.no!r} are the same to the "
            "language model, or one begins with the other; choose two words with different beginnings."
        )
    return Answers(tuple(yes[:same]), yes[same], no[same])


def probability(logits: Tensor, answers: Answers) -> Tensor:
    """P(yes) of [N, V] logits at the last position, [N] float32."""
    return (logits[:, answers.yes].float() - logits[:, answers.no].float()).sigmoid()


def _following(frame: Frame, answer: str, tokenizer: Tokenizer) -> list[int]:
    """Ids of ``answer`` behind the tail of a prompt; on its own where the two would share a token."""
    before = encode(tokenizer, frame.tail)
    both = encode(tokenizer, f"{frame.tail}{frame.space}{answer}")
    if both[: len(before)] == before:
        return both[len(before) :]
    return encode(tokenizer, f"{frame.space}{answer}")
