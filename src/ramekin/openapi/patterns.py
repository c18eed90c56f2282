r"""Patterns: Python's regular expressions in the dialect of ECMA-262, which JSON Schema writes them in; and URLs.

What has no counterpart is left out of the document, which then says less than the validator. A ``$`` and a ``\d``
mean more to Python; loader and document keep to the narrower meaning (`ramekin.schemas.regexes`). Some classes are
written down though the dialects differ in them: ``\w``, ``\b`` and their opposites know the letters and digits of all
scripts in Python, those of ASCII in ECMA-262 (and in Python under ``re.ASCII``), and so do ``\D`` and a ``\d`` that is
negated; ``\s`` and ``\S`` differ in five control characters and U+FEFF.

Specification: ECMA-262 §22.2 in Unicode mode; JSON Schema 2020-12 Core §6.4.
"""

from __future__ import annotations

import re

from marshmallow import validate

from ramekin.schemas.regexes import narrow_regex

_TOKEN = re.compile(r"\\.|\(\?P<|\(\?P=\w+\)|\(\?(?:[:=!]|<[=!])|\(\?|\(|[|^$.]|[?*+][?+]?|\[\^?\]?|.", re.DOTALL)
_CLASS_END = re.compile(r"(?:\\.|[^\\\]])*\]", re.DOTALL)
_CLASS_TOKEN = re.compile(r"\\.|.", re.DOTALL)
#: A character by its octal number; a class has no back references, so every number there is one.
_OCTAL = re.compile(r"(?<!\\)(?:\\\\)*\\(?:0[0-9]|[1-3][0-7]{2})")
#: What refers back to a group, and what may leave a group out; ECMA-262 then takes it as empty, Python refuses it.
_REFERENCE = re.compile(r"\(\?P=|(?<!\\)(?:\\\\)*\\[1-9]")
_LEAVES_OUT = re.compile(r"[|?*](?![:=!<P])|\{0*,|\{0+\}|\{0+,|\(\?<?!")
_BOUND = re.compile(r"\{(\d+(?:,\d*)?|,\d+)\}")
#: Escapes that are written alike in both dialects.
_SHARED = set("dDwWsSbBfnrtv0123456789^$\\.*+?()[]{}|/")
_FLAGS_WITHOUT_COUNTERPART = re.IGNORECASE | re.VERBOSE | re.MULTILINE | re.DOTALL | re.LOCALE


class _NoCounterpart(Exception):
    """ECMA-262 has no such construct."""


def translate_pattern(regex: re.Pattern[str]) -> str | None:
    """Return a pattern that finds in ECMA-262 what ``regex.match`` matches, narrowed; None where there is none.

    ``match`` looks at the beginning of the text only, ``pattern`` anywhere; so the pattern is anchored.
    """
    if regex.flags & _FLAGS_WITHOUT_COUNTERPART:
        return None
    try:
        pattern, alternatives = _translate(narrow_regex(regex).pattern)
    except _NoCounterpart:
        return None
    return pattern if pattern.startswith("^") and not alternatives else f"^(?:{pattern})"


def _translate(source: str) -> tuple[str, bool]:
    """Return the translation, and whether it has alternatives."""
    if _OCTAL.search(source) or (_REFERENCE.search(source) and _LEAVES_OUT.search(source)):
        raise _NoCounterpart(source)
    parts: list[str] = []
    position, alternatives = 0, False
    while position < len(source):
        bound = _BOUND.match(source, position)
        if bound:
            if source[bound.end() : bound.end() + 1] == "+":
                raise _NoCounterpart("possessive quantifier")
            parts.append("{0" + bound[1] + "}" if bound[1].startswith(",") else bound[0])
            position = bound.end()
            continue
        token = _TOKEN.match(source, position)
        text = token[0]  # type: ignore[index]  # The last alternative matches any character.
        position += len(text)
        if text.startswith("["):
            end = _CLASS_END.match(source, position)
            text += end[0]  # type: ignore[index]  # re.compile has seen the class end.
            position = end.end()  # type: ignore[union-attr]  # As above.
        alternatives = alternatives or text == "|"
        parts.append(_translate_token(text))
    return "".join(parts), alternatives


def _translate_token(text: str) -> str:
    if text.startswith("\\"):
        return _translate_escape(text[1], in_class=False)
    if text.startswith("["):
        return _translate_class(text)
    if text == "(?P<":
        return "(?<"
    if text.startswith("(?P="):
        return f"\\k<{text[4:-1]}>"
    if text == "(?" or (len(text) == 2 and text[1] == "+" and text[0] in "?*+"):
        raise _NoCounterpart(text)  # Flags, comments, conditions, atomic groups; possessive quantifiers.
    if text == "$":
        return r"(?=\n?$)"  # One that could not be narrowed to the very end.
    if text == ".":
        return r"[^\n]"  # In ECMA-262 a dot leaves out three more line terminators.
    return "\\" + text if text in ("{", "}", "]") else text


def _translate_escape(letter: str, *, in_class: bool) -> str:
    if in_class and letter in "123456789":
        raise _NoCounterpart(letter)
    if letter in _SHARED:
        return "\\" + letter
    if not in_class and letter in "AZ":
        return "^" if letter == "A" else "$"
    if letter in "xu":
        return "\\" + letter
    if letter == "-" and in_class:
        return "\\-"
    if letter.isalnum():
        raise _NoCounterpart(letter)
    return letter  # Unicode mode refuses an escape of what needs none.


def _translate_class(text: str) -> str:
    start = 2 if text.startswith("[^") else 1
    inner = _CLASS_TOKEN.findall(text[start:-1])
    parts = [_translate_escape(each[1], in_class=True) if len(each) == 2 else each for each in inner]
    # Python takes a bracket that comes first as itself; in ECMA-262 it would end the class.
    return text[:start] + "".join("\\" + part if part in ("[", "]") else part for part in parts) + "]"


_USER = "[A-Za-z0-9._~!$&'()*+,;=:%-]*@"
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = rf"(?:{_LABEL}\.)+[A-Za-z0-9-]{{2,}}\.?"
_ADDRESSES = (r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", r"\[[0-9A-Fa-f]*:[0-9A-Fa-f:]+\]")


def url_pattern(validator: validate.URL) -> str | None:
    """Return how an absolute URL begins, as the validator has it; the format would take any scheme and any host."""
    if validator.relative:
        return None
    schemes = [_any_case(each) for each in sorted(validator.schemes)]
    scheme = f"(?:{'|'.join(schemes)})" if len(schemes) > 1 else schemes[0]
    hosts = (_DOMAIN, _any_case("localhost") if validator.require_tld else rf"{_LABEL}\.?", *_ADDRESSES)
    url = rf"{scheme}://(?:{_USER})?(?:{'|'.join(hosts)})(?::[0-9]+)?(?:/?$|[/?#].)"
    # RFC 8089 §2: a file may have no host.
    return f"^(?:{url}|{_any_case('file')}:///)" if "file" in validator.schemes else f"^{url}"


def _any_case(text: str) -> str:
    """Return the pattern of a text whose letters may be of any case (RFC 3986 §3.1 and §3.2.2)."""
    return "".join(f"[{each.upper()}{each}]" if each.isalpha() else f"[{each}]" for each in text)
