"""Messages that carry a stable code, and the codes of marshmallow's own messages.

A message is for people and may be reworded or translated; its code is for programs and stays. The codes are
listed in the reference, under *Faults*.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from marshmallow import fields

#: The code of a message that says nothing more precise.
INVALID = "invalid"

#: Keys of ``error_messages`` whose code is not simply the key in kebab case.
_KEY_CODES = {
    "validator_failed": INVALID,
    "invalid_utf8": INVALID,
    "invalid_uuid": INVALID,
    "invalid_ip": INVALID,
    "invalid_ip_interface": INVALID,
    "invalid_awareness": INVALID,
    "format": INVALID,
    "special": "not-finite",
}


class Message(str):
    """A message of a fault that carries its stable code, and is a plain string in every other respect.

    Example:
        >>> from marshmallow import ValidationError
        >>> ValidationError(Message("The last digit is wrong.", code="isbn-checksum")).messages
        ['The last digit is wrong.']
    """

    __slots__ = ("code",)
    code: str

    def __new__(cls, text: str, code: str = INVALID) -> Message:
        """Make a message of a text and its code."""
        message = super().__new__(cls, text)
        message.code = code
        return message

    def format(self, *args: Any, **kwargs: Any) -> Message:
        """Fill in the placeholders as `str.format` does; the result carries the same code."""
        return Message(super().format(*args, **kwargs), self.code)

    def __reduce__(self) -> tuple[type[Message], tuple[str, str]]:
        return Message, (str(self), self.code)


#: What is said of a value for a field that is only ever written out.
READ_ONLY = Message("This member is read-only.", "read-only")


def with_code(messages: Any, code: str) -> Any:
    """Return the same messages with the code on every string that has none yet; containers are new."""
    if isinstance(messages, Message):
        return messages
    if isinstance(messages, str):
        return Message(messages, code)
    if isinstance(messages, list):
        return [with_code(each, code) for each in messages]
    if isinstance(messages, dict):
        return {key: with_code(each, code) for key, each in messages.items()}
    return messages


def code_error_messages(templates: dict[str, Any], *, owner: object = None) -> dict[str, Any]:
    """Return the ``error_messages`` of a field or schema with the code of its key on each; not to be changed."""
    is_enum = isinstance(owner, fields.Enum)
    if all(isinstance(text, str) for text in templates.values()):
        # Most fields of a class say the same.
        return _code_strings(
            tuple((key, text, getattr(text, "code", None)) for key, text in templates.items()), is_enum
        )
    return {key: with_code(text, _code_of_key(key, is_enum)) for key, text in templates.items()}


@lru_cache(maxsize=512)
def _code_strings(templates: tuple[tuple[str, str, str | None], ...], is_enum: bool) -> dict[str, Any]:
    return {key: Message(str(text), code or _code_of_key(key, is_enum)) for key, text, code in templates}


def _code_of_key(key: str, is_enum: bool) -> str:
    if is_enum and key == "unknown":
        return "one-of"
    return _KEY_CODES.get(key) or key.replace("_", "-").lower()
