"""The responses of one operation as its document has them, ready to be held against those that come.

Specification: OpenAPI 3.1 §4.8.16 (responses object), §4.8.17 (response object), §4.8.21 (header object); RFC 9110
§6.4.1 and §9.3.2 (responses without content).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from ramekin import json
from ramekin.contract.judges import Fault, Judge, show
from ramekin.contract.records import Breach, Kind
from ramekin.contract.texts import Parse
from ramekin.limits import Limits
from ramekin.responses import BODILESS_STATUSES

if TYPE_CHECKING:
    from ramekin.operations import ReadItems

#: What an app writes is bounded by the codec's own limits alone.
UNLIMITED = Limits().changed(json_nodes=2**31, json_depth=512, number_digits=100_000)
#: What reads JSON may skip it, what writes JSON adds none.
_BOM = b"\xef\xbb\xbf"
#: Fields that stand for themselves each time; every other is one value with commas (RFC 9110 §5.3).
_SEPARATE = "set-cookie"


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type with its parameters, in lower case but for the values."""

    essence: str
    parameters: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> MediaType:
        """Read a Content-Type."""
        from werkzeug.http import parse_options_header

        essence, parameters = parse_options_header(text)
        return cls(essence.lower(), tuple(sorted((name.lower(), value) for name, value in parameters.items())))

    def fits(self, declared: MediaType) -> bool:
        """Tell whether this is what is declared; beyond that text and JSON may say that they are UTF-8."""
        if not _matches(self.essence, declared.essence):
            return False
        missing = [one for one in declared.parameters if one not in self.parameters]
        surplus = [one for one in self.parameters if one not in declared.parameters]
        return not missing and all(name == "charset" and value.lower() == "utf-8" for name, value in surplus)


def _matches(essence: str, declared: str) -> bool:
    if declared in (essence, "*/*"):
        return True
    return declared.endswith("/*") and essence.startswith(declared[:-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The content of one media type.

    Attributes:
        name: The media type as the document writes it.
        media_type: The same, read.
        judge: Judges the decoded JSON; None where it is no JSON or has no schema.
        codes: The judge of each problem by its code, where every problem of the response has one.
        make_reader: Makes what reads the items of a stream, each of which ``judge`` judges; None for other content.
    """

    name: str
    media_type: MediaType
    judge: Judge | None
    codes: Mapping[str, Judge] | None = None
    make_reader: Callable[[], ReadItems] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderCheck:
    """One declared header field."""

    name: str
    required: bool
    parse: Parse
    judge: Judge | None
    declared: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What is declared of one status."""

    contents: tuple[Content, ...]
    headers: tuple[HeaderCheck, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Responses:
    """What is declared of an operation's responses.

    Attributes:
        operation: The operation's id.
        by_status: Each status, ``2XX`` or ``default`` (OpenAPI 3.1 §4.8.16).
    """

    operation: str
    by_status: Mapping[str, Response]

    def find(self, status: int) -> Response | None:
        """Return what is declared of a status."""
        by_status = self.by_status
        return by_status.get(str(status)) or by_status.get(f"{status // 100}XX") or by_status.get("default")

    def check(
        self, *, method: str, status: int, headers: Iterable[tuple[str, str]], content: bytes | None
    ) -> list[Breach]:
        """Return what a response breaks; see `ramekin.contract.Contract.check_response`."""
        report = _Report(self.operation, status)
        fields = join_fields(headers)
        response = self.find(status)
        if response is None:
            got = f"{status} {fields.get('content-type', '')}".strip()
            report.add("status", Fault("", ", ".join(self.by_status), f"{got} {_excerpt(content)}".strip()))
            return report.breaches
        for header in response.headers:
            report.add_all("header", _check_header(header, fields))
        self._check_content(report, response, fields.get("content-type"), method, content)
        return report.breaches

    def describe(self, status: int, content_type: str | None, content: bytes | None) -> tuple[str | None, str | None]:
        """Return the declared media type of a response that keeps the contract, and the code of its problem."""
        response = self.find(status)
        found = None if response is None or content_type is None else _match(response, content_type)
        if found is None:
            return None, None
        value = json.decode(content, UNLIMITED) if found.codes and content else None
        return found.name, value["code"] if isinstance(value, dict) else None

    def watch(self, status: int, content_type: str | None) -> Callable[[bytes], list[Breach]] | None:
        """Return what judges the items in the next bytes of a stream; None where no stream of items is declared."""
        response = self.find(status)
        found = None if response is None or content_type is None else _match(response, content_type)
        if found is None or found.make_reader is None:
            return None
        read, items = found.make_reader(), count()

        def check(chunk: bytes) -> list[Breach]:
            report = _Report(self.operation, status)
            for text in read(chunk):
                _check_text(report, found, text, f"/{next(items)}")
            return report.breaches

        return check

    def _check_content(
        self, report: _Report, response: Response, content_type: str | None, method: str, content: bytes | None
    ) -> None:
        is_bodiless = report.status in BODILESS_STATUSES
        if is_bodiless or method == "HEAD" or not response.contents:
            if content:
                reason = "HEAD" if method == "HEAD" else str(report.status)
                report.add("body", Fault("", f"no content ({reason})", _excerpt(content)))
                return
            if is_bodiless or not response.contents:
                return
        found = self._find_content(report, response, content_type)
        if found is None or content is None or method == "HEAD":
            return
        if found.make_reader is not None:
            for index, text in enumerate(found.make_reader()(content)):
                _check_text(report, found, text, f"/{index}")
        elif found.judge is not None:
            _check_text(report, found, content, "")

    def _find_content(self, report: _Report, response: Response, content_type: str | None) -> Content | None:
        found = None if content_type is None else _match(response, content_type)
        if found is not None:
            return found
        names = ", ".join(known.name for known in response.contents)
        report.add("media-type", Fault("/Content-Type", names, content_type or "nothing"))
        return None


def _match(response: Response, content_type: str) -> Content | None:
    for known in response.contents:
        if known.name == content_type:
            return known
    media_type = MediaType.parse(content_type)
    return next((known for known in response.contents if media_type.fits(known.media_type)), None)


@dataclass(slots=True)
class _Report:
    operation: str
    status: int
    _breaches: list[Breach] | None = None

    @property
    def breaches(self) -> list[Breach]:
        return self._breaches or []

    def add(self, kind: Kind, fault: Fault) -> None:
        breach = Breach(
            operation=self.operation,
            status=self.status,
            kind=kind,
            pointer=fault.pointer,
            declared=fault.declared,
            got=fault.got,
        )
        self._breaches = [*self.breaches, breach]

    def add_all(self, kind: Kind, faults: Iterable[Fault]) -> None:
        for fault in faults:
            self.add(kind, fault)


def join_fields(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return header fields by lower-case name, several of one name as one (RFC 9110 §5.3)."""
    fields: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        fields[key] = f"{fields[key]}, {value}" if key in fields and key != _SEPARATE else value
    return fields


def _check_header(header: HeaderCheck, fields: Mapping[str, str]) -> Iterator[Fault]:
    text = fields.get(header.name.lower())
    if text is None:
        if header.required:
            yield Fault(f"/{header.name}", f"a required header field {header.declared}".strip(), "nothing")
    elif header.judge is not None:
        for fault in header.judge(header.parse(text)):
            yield Fault(f"/{header.name}{fault.pointer}", fault.declared, show(text))


def _check_text(report: _Report, content: Content, text: bytes, pointer: str) -> None:
    """Judge one JSON text; the pointer says where it stands."""
    if text.startswith(_BOM):
        report.add("body", Fault(pointer, "JSON", "a byte order mark before it (RFC 8259 §8.1)"))
        return
    try:
        value = json.decode(text, UNLIMITED)
    except json.JSONError as error:
        report.add("body", Fault(pointer, "JSON", f"{_excerpt(text) or 'no content'} ({error.detail})"))
        return
    _check_value(report, content, value, pointer)


def _check_value(report: _Report, content: Content, value: Any, pointer: str) -> None:
    judge: Callable[[Any], list[Fault]] | None = content.judge
    if content.codes is not None:
        code = value.get("code") if isinstance(value, dict) else None
        judge = content.codes.get(code) if isinstance(code, str) else None
        if judge is None:
            got = show(value) if code is None else show(code)
            report.add("problem", Fault("/code", " or ".join(content.codes), got))
            return
    if judge is not None:
        faults = (Fault(pointer + fault.pointer, fault.declared, fault.got) for fault in judge(value))
        report.add_all("body", faults)


def _excerpt(content: bytes | None) -> str:
    return show(content[:800].decode("utf-8", "replace")) if content else ""
