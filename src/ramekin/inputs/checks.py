"""What a location can carry, checked when a declaration is registered.

Specification: OpenAPI 3.1, "Parameter Object" (names of headers that are not declared; styles of each location);
RFC 9110 §5.1 and RFC 6265 §4.1.1 (names are tokens).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from marshmallow import Schema, fields

from ramekin.errors import DeclarationError
from ramekin.fields import Upload
from ramekin.inputs.names import header_name, is_many, is_object, items_of, load_names
from ramekin.types import Location, Shape

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OWN_HEADERS = {
    "accept": "the declared media types of the answers say it",
    "content-type": "the declared body says it",
    "authorization": "a security declaration says it",
}

#: What is wrong with a field, as "given; expected …", or None.
Objection = str | None


def check_shapes(location: Location, shapes: Sequence[Shape], where: str) -> None:
    """Check that one location can carry the schemas declared for it.

    Args:
        location: The location.
        shapes: All schemas declared for it; single fields only where the location is ``json``.
        where: What declares them, for the message.

    Raises:
        DeclarationError: A name stands in two schemas (names of headers are compared without case); a header is one
            that is not declared by hand; a field is of a kind that the location cannot carry.
    """
    if location == "json":
        for shape in shapes:
            members = load_names(shape) if isinstance(shape, Schema) else {"": shape}
            _raise_first(location, where, ((name, _object_in_json(one)) for name, one in members.items()))
        return
    object_to = _OBJECTIONS[location]
    owners: dict[str, str] = {}
    for shape in shapes:
        if not isinstance(shape, Schema):
            raise DeclarationError(
                f"{where}: accepts({location}=…) was given a single field {shape!r}; expected a schema with names."
            )
        if shape.many:
            raise DeclarationError(
                f"{where}: accepts({location}=…) was given {_title(shape)} with many=True; expected one object."
            )
        members = load_names(shape)
        _raise_first(location, where, ((name, object_to(name, one)) for name, one in members.items()))
        for name in members:
            wire_name = header_name(name).lower() if location == "headers" else name
            if wire_name in owners:
                raise DeclarationError(
                    f"{where}: accepts({location}=…) has {name!r} in {_title(shape)} and in {owners[wire_name]}; "
                    "expected each name once."
                )
            owners[wire_name] = _title(shape)


def check_form_names(form: Sequence[Schema], files: Sequence[Schema]) -> None:
    """Check that no name is both a form field and a file; they are parts of one body.

    Raises:
        DeclarationError: A name is.
    """
    names = {name for shape in form for name in load_names(shape)}
    both = sorted(names & {name for shape in files for name in load_names(shape)})
    if both:
        raise DeclarationError(f"Both form and files have {both[0]!r}; expected each part name once.")


def _raise_first(location: Location, where: str, found: Iterable[tuple[str, Objection]]) -> None:
    for name, objection in found:
        if objection is not None:
            raise DeclarationError(f"{where}: accepts({location}=…), field {name!r}: {objection}.")


def _title(shape: Schema) -> str:
    return type(shape).__name__


def _kind(declared: fields.Field[Any]) -> str:
    inner = ", ".join(_kind(item) for item in items_of(declared))
    many = "many=True" if isinstance(declared, fields.Nested) and is_many(declared) else ""
    return f"{type(declared).__name__}({inner or many})"


def _is_file(declared: fields.Field[Any]) -> bool:
    """Tell whether a field is a file, or a list of them."""
    return isinstance(declared, Upload) or any(isinstance(item, Upload) for item in items_of(declared))


def _object_to_list(declared: fields.Field[Any]) -> Objection:
    """Object to a list of anything but plain values."""
    if any(is_object(item) or is_many(item) for item in items_of(declared)):
        return f"{_kind(declared)} holds lists or objects in a list; expected a list of plain values"
    return None


def _object_in_headers(name: str, declared: fields.Field[Any]) -> Objection:
    wire_name = header_name(name)
    if wire_name.lower() in _OWN_HEADERS:
        return f"the header {wire_name} is not declared by hand; {_OWN_HEADERS[wire_name.lower()]}"
    if not _TOKEN.fullmatch(wire_name):
        return f"{wire_name!r} is no name of a header; expected letters, digits and hyphens"
    if is_object(declared) or _is_file(declared):
        return f"{_kind(declared)} does not fit into a header; expected a plain value or a list of them"
    return _object_to_list(declared)


def _object_in_cookies(name: str, declared: fields.Field[Any]) -> Objection:
    if not _TOKEN.fullmatch(name):
        return f"{name!r} is no name of a cookie; expected letters, digits, hyphens and underscores"
    if is_object(declared) or is_many(declared) or isinstance(declared, Upload):
        return f"{_kind(declared)} does not fit into a cookie; expected a plain value"
    return None


def _object_in_query(name: str, declared: fields.Field[Any], stack: tuple[object, ...] = ()) -> Objection:
    if _is_file(declared):
        return "a file does not fit into a query; expected it in files"
    if not is_object(declared):
        return _object_to_list(declared)
    if is_many(declared):
        return f"{_kind(declared)} is a list of objects, which no query spells; expected one object, or a json body"
    if not isinstance(declared, fields.Nested):
        value = getattr(declared, "value_field", None)
        return None if value is None else _object_in_query(name, value, stack)
    schema = declared.schema
    members = load_names(schema)
    # A schema that holds itself without a field that led there has other names, and ends.
    here = (type(schema), frozenset(members))
    if here in stack:
        return f"{_title(schema)} holds itself without end; expected an object of limited depth"
    objections = (_object_in_query(inner, one, (*stack, here)) for inner, one in members.items())
    return next((objection for objection in objections if objection is not None), None)


def _object_in_form(name: str, declared: fields.Field[Any]) -> Objection:
    if _is_file(declared):
        return f"{_kind(declared)} is a file; expected it in files"
    if any(is_many(item) for item in items_of(declared)):
        return f"{_kind(declared)} holds lists in a list; expected a list of plain values or of objects"
    return None


def _object_in_files(name: str, declared: fields.Field[Any]) -> Objection:
    items = items_of(declared) or (declared,)
    if not all(isinstance(item, Upload) for item in items):
        return f"{_kind(declared)} is no file; expected Upload() or List(Upload()), and other fields in form"
    return None


def _object_in_json(declared: fields.Field[Any]) -> Objection:
    # A Nested field is not looked into: its schema may be defined later than the declaration.
    value = getattr(declared, "value_field", None)
    if isinstance(declared, Upload):
        return "a file does not fit into JSON; expected it in files"
    inner = items_of(declared) if value is None else (value,)
    return next((objection for one in inner if (objection := _object_in_json(one)) is not None), None)


_OBJECTIONS: dict[Location, Callable[[str, fields.Field[Any]], Objection]] = {
    "query": _object_in_query,
    "headers": _object_in_headers,
    "cookies": _object_in_cookies,
    "form": _object_in_form,
    "files": _object_in_files,
}
