"""The readers of text locations and of forms: wire text in, raw mappings for marshmallow out.

Each reader is compiled once, from the schemas declared for its location, and decides only what the text itself shows:
how it is encoded, which names are declared, and how often a name may stand. What a value means, marshmallow judges.
"""

from __future__ import annotations

from ramekin.inputs.checks import check_shapes
from ramekin.inputs.cookies import CookieReader, compile_cookie_reader
from ramekin.inputs.errors import InputError
from ramekin.inputs.forms import FormData, FormReader, compile_form_reader
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
    "header_name",
]
