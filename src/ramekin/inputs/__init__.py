"""The readers of text locations and of forms: wire text in, raw mappings for marshmallow out.

Each reader is compiled once, from the schemas declared for its location, and decides only what the text itself shows:
how it is encoded, which names are declared, and how often a name may stand. What a value means, marshmallow judges.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ramekin.inputs.checks import check_shapes
    from ramekin.inputs.cookies import CookieReader, compile_cookie_reader
    from ramekin.inputs.errors import InputError
    from ramekin.inputs.forms import FormData, FormReader, compile_form_reader, form_media_types
    from ramekin.inputs.headers import HeaderReader, compile_header_reader
    from ramekin.inputs.names import header_name
    from ramekin.inputs.query import QueryReader, compile_query_reader

__all__ = [
    "CookieReader",
    "FormData",
    "FormReader",
    "HeaderReader",
    "InputError",
    "QueryReader",
    "check_shapes",
    "compile_cookie_reader",
    "compile_form_reader",
    "compile_header_reader",
    "compile_query_reader",
    "form_media_types",
    "header_name",
]

#: The module of each name. To register resources takes few of them, so each is imported when it is first asked for.
_HOMES = {
    "CookieReader": "cookies",
    "FormData": "forms",
    "FormReader": "forms",
    "HeaderReader": "headers",
    "InputError": "errors",
    "QueryReader": "query",
    "check_shapes": "checks",
    "compile_cookie_reader": "cookies",
    "compile_form_reader": "forms",
    "compile_header_reader": "headers",
    "compile_query_reader": "query",
    "form_media_types": "forms",
    "header_name": "names",
}


def __getattr__(name: str) -> object:
    """Import a public name from its module (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
