"""The reader of form bodies: `application/x-www-form-urlencoded` and `multipart/form-data`.

Specification: WHATWG URL, application/x-www-form-urlencoded; RFC 7578 (multipart/form-data); OpenAPI 3.1, "Encoding
Object" (an object stands in a part of its own, as `application/json`; a list in one part for each item).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from marshmallow import Schema

from ramekin.inputs.checks import check_form_names
from ramekin.inputs.errors import InputError
from ramekin.inputs.names import Names, holds_objects, load_names
from ramekin.inputs.pairs import split_pairs
from ramekin.inputs.parts import PartHead, broken_form, parameter_names, read_chunks, read_parts
from ramekin.inputs.uploads import Uploads
from ramekin.json import JSONError, decode
from ramekin.limits import Limits
from ramekin.schemas import Fault

if TYPE_CHECKING:
    from ramekin.bodies import ByteStream

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

_UTF8 = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii"})


@dataclass(frozen=True, slots=True)
class FormData:
    """What one form body held.

    Attributes:
        form: One raw mapping for each schema of ``form``.
        files: One raw mapping for each schema of ``files``, of `ramekin.fields.UploadedFile`.
        faults: What is wrong with the names and parts.
        close: Closes all files; to be called once the request has been answered.
    """

    form: list[dict[str, Any]]
    files: list[dict[str, Any]]
    faults: list[Fault]
    close: Callable[[], None]


class FormReader:
    """Reads the form bodies that the schemas of one operation declare together.

    Args:
        form: The schemas of ``form``.
        files: The schemas of ``files``.
        limits: The limits.

    Attributes:
        media_types: The media types taken; multipart alone where there are files or objects.
    """

    __slots__ = ("_files", "_form", "_json_names", "_limits", "_most_bytes", "media_types")

    def __init__(self, form: Sequence[Schema], files: Sequence[Schema], limits: Limits) -> None:
        self._form = Names("form", form)
        self._files = Names("files", files)
        self._limits = limits
        self._most_bytes = limits.multipart_bytes if files else limits.body_bytes
        self._json_names = frozenset(
            name for shape in form for name, declared in load_names(shape).items() if holds_objects(declared)
        )
        self.media_types = form_media_types(form, files)

    def read(self, content_type: str, stream: ByteStream) -> FormData:
        """Return what a body holds.

        Args:
            content_type: The value of the Content-Type header, of one of `media_types` and in UTF-8.
            stream: The body.

        Raises:
            InputError: A limit is passed (413); the body is broken (400). Nothing stays open.
        """
        from werkzeug.http import parse_options_header

        media_type, parameters = parse_options_header(content_type)
        chunks = read_chunks(stream.read, self._most_bytes)
        if media_type.lower() == URLENCODED:
            return self._read_urlencoded(b"".join(chunks))
        if parameter_names(content_type).count("boundary") > 1:
            raise broken_form("The Content-Type names two boundaries.")
        uploads = Uploads()
        try:
            return self._read_multipart(read_parts(chunks, parameters.get("boundary", ""), self._limits), uploads)
        except BaseException:
            uploads.close()
            raise

    def _read_urlencoded(self, body: bytes) -> FormData:
        most = self._limits.form_parts
        if body.count(b"&") >= most:
            raise InputError(413, "too-many-parts", f"The form has more than {most} fields.")
        if len(body) > self._limits.form_field_bytes:
            longest = max(len(pair.partition(b"=")[2]) for pair in body.split(b"&"))
            if longest > self._limits.form_field_bytes:
                raise self._field_too_large()
        try:
            pairs = split_pairs(body.decode("latin-1"))
        except ValueError as error:
            raise broken_form("The form is not percent-encoded UTF-8.") from error
        raw = self._form.new_raw()
        faults: dict[Fault, None] = {}
        for name, value in pairs:
            self._form.place(name, value, raw, faults)
        return FormData(raw, self._files.new_raw(), list(faults), _close_nothing)

    def _read_multipart(self, events: Iterator[PartHead | tuple[bytes, bool]], uploads: Uploads) -> FormData:
        data = FormData(self._form.new_raw(), self._files.new_raw(), [], uploads.close)
        faults: dict[Fault, None] = {}
        for head in events:
            # The pieces of a part follow its head and are taken there.
            self._read_part(cast(PartHead, head), _pieces(events), data, uploads, faults)
        data.faults.extend(faults)
        return data

    def _read_part(
        self, head: PartHead, pieces: Iterator[bytes], data: FormData, uploads: Uploads, faults: dict[Fault, None]
    ) -> None:
        """Read one part to its end, and put what it holds where it belongs."""
        name = head.name
        # RFC 7578 §4.2: a file's name is not required, but then its media type must tell that it is one.
        is_file = head.filename is not None or (self._files.knows(name) and "content-type" in head.headers)
        if name in self._json_names:
            self._read_json(head, pieces, data, faults)
        elif self._files.knows(name) if is_file else self._form.knows(name):
            if is_file:
                self._read_file(head, pieces, data, uploads, faults)
            else:
                self._read_text(head, pieces, data, faults)
        elif self._form.knows(name):
            _skip(pieces)
            self._form.add_fault((name,), "invalid", "Expected a text, not a file.", faults)
        elif self._files.knows(name):
            _skip(pieces)
            self._files.add_fault((name,), "invalid", "Expected a file, not a text.", faults)
        elif not is_file:
            self._read_text(head, pieces, data, faults)
        elif self._files.keeps_unknown(name):
            self._read_file(head, pieces, data, uploads, faults)
        else:
            _skip(pieces)
            self._files.place(name, None, data.files, faults)

    def _read_file(
        self, head: PartHead, pieces: Iterator[bytes], data: FormData, uploads: Uploads, faults: dict[Fault, None]
    ) -> None:
        stream = uploads.open()
        for piece in pieces:
            stream.write(piece)
        # WHATWG HTML, "constructing the entry list": a browser sends an empty part where no file was chosen.
        if head.filename == "" and stream.tell() == 0:
            return
        media_type = _media_type(head)[0] or "application/octet-stream"
        upload = uploads.finish(stream, head.filename or "", media_type)
        self._files.place(head.name, upload, data.files, faults)

    def _read_text(self, head: PartHead, pieces: Iterator[bytes], data: FormData, faults: dict[Fault, None]) -> None:
        content = self._read_content(pieces)
        if _media_type(head)[1] not in _UTF8:
            self._form.add_fault((head.name,), "charset", "Expected the charset UTF-8.", faults)
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise broken_form("The text of a part is not UTF-8.") from error
        self._form.place(head.name, text, data.form, faults)

    def _read_json(self, head: PartHead, pieces: Iterator[bytes], data: FormData, faults: dict[Fault, None]) -> None:
        content = self._read_content(pieces)
        media_type, charset = _media_type(head)
        # A part that states no type is taken at the declaration's word.
        if media_type and media_type != "application/json" and not media_type.endswith("+json"):
            self._form.add_fault((head.name,), "media-type", "Expected a part of application/json.", faults)
        elif charset not in _UTF8:
            self._form.add_fault((head.name,), "charset", "Expected the charset UTF-8.", faults)
        else:
            try:
                value = decode(content, self._limits)
            except JSONError as error:
                self._form.add_fault((head.name,), error.code, error.detail, faults)
            else:
                self._form.place(head.name, value, data.form, faults)

    def _read_content(self, pieces: Iterator[bytes]) -> bytes:
        """Return the content of a part that is no file."""
        most = self._limits.form_field_bytes
        content = bytearray()
        for piece in pieces:
            content += piece
            if len(content) > most:
                raise self._field_too_large()
        return bytes(content)

    def _field_too_large(self) -> InputError:
        most = self._limits.form_field_bytes
        return InputError(413, "form-field-too-large", f"A field of the form is longer than {most} bytes.")


def form_media_types(form: Sequence[Schema], files: Sequence[Schema]) -> tuple[str, ...]:
    """Return the media types that forms of these schemas may come in; multipart alone for files and objects."""
    has_objects = any(holds_objects(declared) for shape in form for declared in load_names(shape).values())
    return (MULTIPART,) if files or has_objects else (URLENCODED, MULTIPART)


def compile_form_reader(form: Sequence[Schema], files: Sequence[Schema], limits: Limits) -> FormReader:
    """Return the reader of the form bodies that these schemas declare together.

    Raises:
        DeclarationError: A name is both a form field and a file.
    """
    check_form_names(form, files)
    return FormReader(form, files, limits)


def _pieces(events: Iterator[PartHead | tuple[bytes, bool]]) -> Iterator[bytes]:
    """Yield the pieces of the part whose head came last."""
    is_last = False
    while not is_last:
        piece, is_last = cast(tuple[bytes, bool], next(events))
        yield piece


def _skip(pieces: Iterator[bytes]) -> None:
    for _ in pieces:
        pass


def _media_type(head: PartHead) -> tuple[str, str]:
    """Return the media type and the charset that a part states; empty where it states none."""
    from werkzeug.http import parse_options_header

    media_type, parameters = parse_options_header(head.headers.get("content-type"))
    return media_type.lower(), parameters.get("charset", "").lower()


def _close_nothing() -> None:
    """Close the files of a form that has none."""
