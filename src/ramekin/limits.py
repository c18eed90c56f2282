"""The limits that every reader of input obeys: one frozen object, resolved once per operation."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from ramekin.errors import DeclarationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a request may cost before it is refused.

    Every value is a positive integer. What passes a limit is answered by the status named here, before
    any work in proportion to the input is done.

    Attributes:
        body_bytes: Longest request body, unpacked (413).
        multipart_bytes: Longest ``multipart/form-data`` body of an operation that declares files (413).
        json_depth: Deepest nesting of arrays and objects in JSON (400; 422 in a part of a form).
        json_nodes: Most values in one JSON text, object keys not counted (400; 422 in a part of a form).
        number_digits: Most digits of one number, in JSON and in text (400 in JSON, 422 in text).
        form_parts: Most parts or fields of one form body (413).
        form_field_bytes: Longest single form field that is no file (413).
        part_header_bytes: Longest header block of one multipart part (413).
        query_fields: Most ``name=value`` pairs in one query string (400).
        cookie_fields: Most cookies in one request (400).
        message_bytes: Longest message of a WebSocket client (closed with 1009).
        reported_errors: Most faults reported in one problem (the rest is left out).
    """

    body_bytes: int = 1_048_576
    multipart_bytes: int = 33_554_432
    json_depth: int = 64
    json_nodes: int = 100_000
    number_digits: int = 64
    form_parts: int = 1_000
    form_field_bytes: int = 1_048_576
    part_header_bytes: int = 8_192
    query_fields: int = 1_000
    cookie_fields: int = 200
    message_bytes: int = 65_536
    reported_errors: int = 100

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not int or value < 1:
                raise DeclarationError(f"Limits.{field.name} must be a positive integer, not {value!r}.")

    def changed(self, **changes: int) -> Limits:
        """Return these limits with some values replaced.

        Raises:
            DeclarationError: A name is no limit, or a value no positive integer.
        """
        unknown = sorted(changes.keys() - {field.name for field in fields(self)})
        if unknown:
            known = ", ".join(field.name for field in fields(self))
            raise DeclarationError(f"Unknown limit {', '.join(unknown)}; the limits are: {known}.")
        return replace(self, **changes)
