"""Arguments: from a request to what the handler is given, compiled once for each operation.

In the order that bad requests are answered in: content type and coding (415), length (413), the reading of the body and
its syntax (400), then the faults of all locations together (422).

Specification: RFC 9110 §8.3 and §8.4 (Content-Type, Content-Encoding), §15.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from ramekin import inputs, json
from ramekin.bodies import GZIP_CODINGS
from ramekin.operations import JSON_MEDIA_TYPE
from ramekin.problems import BadRequest, ContentTooLarge, UnsupportedMediaType, ValidationFailed
from ramekin.requests import REMEMBERED, REMEMBERED_CHARACTERS
from ramekin.schemas import Fault, compile_body_reader, compile_reader

if TYPE_CHECKING:
    from ramekin.limits import Limits
    from ramekin.operations import Codec, Input, Operation
    from ramekin.requests import Request
    from ramekin.schemas import BodyReader
    from ramekin.settings import Settings
    from ramekin.types import Location, Shape

Load: TypeAlias = "Callable[[Request, dict[str, Any]], Callable[[], None] | None]"
#: Loads what is needed and returns the faults of the input.
StraightLoad: TypeAlias = "Callable[[Request, dict[str, Any]], Sequence[Fault] | None]"
_Readers: TypeAlias = "list[tuple[Shape, Callable[[Any], tuple[Any, list[Fault] | None]]]]"


class Admission(NamedTuple):
    """What the head of a request that brings a body is checked by.

    Attributes:
        admit: Raises `UnsupportedMediaType` (415) or `ContentTooLarge` (413).
        good: Spellings of ``Content-Type`` that are known to be taken.
        limit: The most bytes that the body may have.
    """

    admit: Callable[[Request], None]
    good: set[str]
    limit: int


def compile_admission(operation: Operation, settings: Settings) -> Admission | None:
    """Return what checks the head of a request that brings a body; None for operations that read none."""
    if not operation.has_body:
        return None
    accepted = content_types(operation)
    required = any(item.required for item in operation.effects.inputs if item.location in ("json", "form", "files"))
    limit = operation.body_bytes
    advice = {"Accept-Patch" if operation.method == "PATCH" else "Accept-Post": ", ".join(accepted)}
    if operation.method not in ("PATCH", "POST"):
        advice = {"Accept": ", ".join(accepted)}  # RFC 9110 §12.5.1: in a 415, what the next request may send.
    takes_suffix = not any(item.media_types for item in operation.inputs_at("json")) and bool(
        operation.inputs_at("json")
    )
    good: set[str] = set(accepted)
    codings = {"identity", *GZIP_CODINGS} if settings.request_gzip else {"identity"}
    coding_advice = {"Accept-Encoding": "gzip, identity" if settings.request_gzip else "identity"}

    def judge(content_type: str | None) -> None:
        if content_type is None:
            raise UnsupportedMediaType(
                f"Content-Type is missing; this operation takes {', '.join(accepted)}.", headers=advice
            )
        media_type, parameters = parse_content_type(content_type)
        if media_type not in accepted and not (takes_suffix and media_type.endswith("+json") and "/" in media_type):
            raise UnsupportedMediaType(f"This operation takes {', '.join(accepted)}.", headers=advice)
        if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
            raise UnsupportedMediaType("The content has to be encoded in UTF-8.", headers=advice)
        if (
            len(good) < REMEMBERED
            and len(content_type) <= REMEMBERED_CHARACTERS
            and media_type != "multipart/form-data"
        ):
            good.add(content_type)

    def admit(request: Request) -> None:
        content_type = request.content_type
        if content_type not in good and (required or has_content(request)):
            judge(content_type)
        coding = request.content_encoding
        if coding and coding.strip().lower() not in codings:
            raise UnsupportedMediaType("The content has a coding that is not taken.", headers=coding_advice)
        length = request.content_length
        if length is not None and length > limit:
            raise ContentTooLarge(f"The content may have at most {limit} bytes.")

    return Admission(admit, good, limit)


def content_types(operation: Operation) -> tuple[str, ...]:
    """Return the content types that the document names."""
    types: list[str] = []
    for item in operation.inputs_at("json"):
        types += item.media_types or (JSON_MEDIA_TYPE,)
    types += (codec.media_type for codec in operation.effects.codecs)
    form, files = operation.inputs_at("form"), operation.inputs_at("files")
    if form or files:
        types += inputs.form_media_types(_schemas(form), _schemas(files))
    return tuple(dict.fromkeys(types))


def has_content(request: Request) -> bool:
    """Tell whether a request announces content (RFC 9112 §6), or may have some unannounced (RFC 9113 §8.1.1)."""
    length = request.content_length
    if length is None:
        unframed = not request.http_version.startswith("1") and request.content_type is not None
        return unframed or request.header("transfer-encoding") is not None
    return length > 0


def parse_content_type(value: str) -> tuple[str, dict[str, str]]:
    """Return the media type of a Content-Type in lower case, and its parameters."""
    from werkzeug.http import parse_options_header

    media_type, parameters = parse_options_header(value)
    return media_type.strip().lower(), parameters


def compile_load(operation: Operation, settings: Settings) -> Load | None:
    """Return what fills the handler's arguments from a request; None for operations that read nothing.

    What it returns closes what was opened for the request, such as spooled files. It raises `ValidationFailed`.
    """
    parts = _compile_parts(operation, settings)
    return _load_all(parts, operation.limits.reported_errors) if parts else None


def compile_straight_load(operation: Operation, settings: Settings) -> StraightLoad | None:
    """Return what does the same for an operation without files, but returns the faults of the input."""
    parts = _compile_parts(operation, settings)
    if len(parts) == 1 and not operation.inputs_at("form"):
        return parts[0]
    load = compile_load(operation, settings)
    if load is None:
        return None

    def load_all(request: Request, arguments: dict[str, Any]) -> Sequence[Fault] | None:
        try:
            load(request, arguments)
        except ValidationFailed as error:
            return error.faults
        return None

    return load_all


def compile_json_reader(operation: Operation, settings: Settings) -> BodyReader | None:
    """Return what loads the body of an operation that reads JSON alone, and nothing else; None for any other."""
    if len(operation.effects.inputs) != 1 or operation.effects.codecs or not operation.inputs_at("json"):
        return None
    return _compile_body_reader(operation, settings)


def _compile_body_reader(operation: Operation, settings: Settings) -> BodyReader:
    (item,) = operation.inputs_at("json")
    return compile_body_reader(item.shape, operation.limits, coerce=item.coerce, unique_keys=settings.unique_keys)


def refuse_json(error: json.JSONError) -> BadRequest:
    """Return the problem of a body that cannot be read as JSON."""
    return _unreadable("json", error)


def _compile_parts(operation: Operation, settings: Settings) -> list[StraightLoad]:
    """Return what loads each location."""
    parts: list[StraightLoad] = []
    if operation.inputs_at("json"):
        parts.append(_compile_json(operation, settings))
    if operation.inputs_at("form") or operation.inputs_at("files"):
        parts.append(_compile_form(operation))
    limits = operation.limits
    if query := operation.inputs_at("query"):
        read_query = inputs.compile_query_reader(_schemas(query), limits, _query_credentials(operation))
        parts.append(_compile_text("query", query, limits, lambda request: read_query(request.query_string)))
    if headers := operation.inputs_at("headers"):
        read_headers = inputs.compile_header_reader(_schemas(headers), limits)
        parts.append(
            _with_names(_compile_text("headers", headers, limits, lambda request: read_headers(request.header)))
        )
    if cookies := operation.inputs_at("cookies"):
        read_cookies = inputs.compile_cookie_reader(_schemas(cookies), limits)
        parts.append(_compile_text("cookies", cookies, limits, lambda request: read_cookies(request.header("cookie"))))
    return parts


def _with_names(part: StraightLoad) -> StraightLoad:
    """Return a part whose faults have the names of header fields that the document has."""

    def load(request: Request, arguments: dict[str, Any]) -> Sequence[Fault] | None:
        return [*map(_name_header, part(request, arguments) or ())]

    return load


def _name_header(fault: Fault) -> Fault:
    root, slash, path = fault.pointer.partition("/")
    name, *rest = path.split("/")
    pointer = root + slash + "/".join([inputs.header_name(name), *rest])
    return Fault(fault.location, pointer, fault.code, fault.detail)


def _load_all(parts: Sequence[StraightLoad], most: int) -> Load:
    def load(request: Request, arguments: dict[str, Any]) -> Callable[[], None] | None:
        faults: list[Fault] = []
        try:
            for part in parts:
                faults += part(request, arguments) or ()
            if faults:
                raise ValidationFailed(faults[:most])
        except BaseException:
            close = arguments.pop(_CLOSE, None)
            if close is not None:
                close()
            raise
        close_uploads: Callable[[], None] | None = arguments.pop(_CLOSE, None)
        return close_uploads

    return load


#: Where the form part hands on what closes its files; no parameter can have this name.
_CLOSE = "close files"


def _schemas(items: Sequence[Input]) -> list[Any]:
    return [item.shape for item in items]


def _compile_json(operation: Operation, settings: Settings) -> StraightLoad:
    (item,) = operation.inputs_at("json")
    limits, required, reader = operation.limits, item.required, _compile_body_reader(operation, settings)
    codecs: Mapping[str, Codec] = {codec.media_type: codec for codec in operation.effects.codecs}
    read_value = compile_reader(item.shape, "json", coerce=item.coerce, number_digits=limits.number_digits)

    def read_any(content_type: str, body: bytes) -> tuple[Any, list[Fault] | None]:
        codec = codecs.get(parse_content_type(content_type)[0])
        return reader.read(body) if codec is None else read_value(codec.load(body, limits))

    def load_json(request: Request, arguments: dict[str, Any]) -> Sequence[Fault] | None:
        body = request.body
        if not body and not required:
            arguments["json"] = None
            return None
        try:
            arguments["json"], faults = read_any(request.content_type or "", body) if codecs else reader.read(body)
        except json.JSONError as error:
            raise refuse_json(error) from None
        return faults

    return load_json


def _query_credentials(operation: Operation) -> frozenset[str]:
    """Return the names in the query that security schemes read."""
    schemes = operation.effects.security_schemes.values()
    return frozenset(scheme["name"] for scheme in schemes if scheme.get("in") == "query")


def _unreadable(location: Location, error: json.JSONError | inputs.InputError) -> BadRequest:
    """Return the problem of a location that cannot be read at all."""
    return BadRequest(error.detail, faults=(Fault(location, "", error.code, error.detail),))


def _compile_text(
    location: Location,
    items: Sequence[Input],
    limits: Limits,
    read: Callable[[Request], tuple[list[dict[str, Any]], list[Fault]]],
) -> StraightLoad:
    readers = _compile_readers(items, limits)
    refused = inputs.InputError
    if len(readers) == 1:
        ((_, read_shape),) = readers

        def load_one(request: Request, arguments: dict[str, Any]) -> Sequence[Fault] | None:
            try:
                raw, faults = read(request)
            except refused as error:
                raise _unreadable(location, error) from None
            arguments[location], more = read_shape(raw[0])
            return faults if more is None else faults + more

        return load_one

    def load_several(request: Request, arguments: dict[str, Any]) -> Sequence[Fault] | None:
        try:
            raw, faults = read(request)
        except refused as error:
            raise _unreadable(location, error) from None
        arguments[location] = _load_shapes(location, readers, raw, faults)
        return faults

    return load_several


def _compile_readers(items: Sequence[Input], limits: Limits) -> _Readers:
    """Return each schema of a location with what loads it."""
    digits = limits.number_digits
    return [
        (item.shape, compile_reader(item.shape, item.location, coerce=item.coerce, number_digits=digits))
        for item in items
    ]


def _load_shapes(location: Location, readers: _Readers, raw: Sequence[dict[str, Any]], faults: list[Fault]) -> Any:
    """Load one location through its schemas; several of them unite in one dict."""
    loaded: list[Any] = []
    for (_, read), part in zip(readers, raw, strict=True):
        value, more = read(part)
        loaded.append(value)
        faults += more or ()
    if len(readers) == 1 or faults:
        return loaded[0]
    united: dict[str, Any] = {}
    for (shape, _), part in zip(readers, loaded, strict=True):
        if not isinstance(part, Mapping):
            raise TypeError(
                f"{type(shape).__name__} is one of several schemas for {location}, so it has to load a mapping, "
                f"not {type(part).__name__}; its post_load returns that."
            )
        united.update(part)
    return united


def _compile_form(operation: Operation) -> StraightLoad:
    form, files = operation.inputs_at("form"), operation.inputs_at("files")
    reader = inputs.compile_form_reader(_schemas(form), _schemas(files), operation.limits)
    form_readers, file_readers = (_compile_readers(items, operation.limits) for items in (form, files))
    required = any(item.required for item in (*form, *files))
    location: Location = "form" if form else "files"
    refused = inputs.InputError

    def load_form(request: Request, arguments: dict[str, Any]) -> Sequence[Fault] | None:
        if not has_content(request):
            if required:
                raise _unreadable(location, refused(400, "empty", "The content is missing."))
            arguments.update({item.location: None for item in (*form, *files)})
            return None
        try:
            data = reader.read(request.content_type or "", request.stream)
        except refused as error:
            if error.status != 400:
                raise
            raise _unreadable(location, error) from None
        arguments[_CLOSE] = data.close
        faults = list(data.faults)
        if form:
            arguments["form"] = _load_shapes("form", form_readers, data.form, faults)
        if files:
            arguments["files"] = _load_shapes("files", file_readers, data.files, faults)
        return faults

    return load_form
