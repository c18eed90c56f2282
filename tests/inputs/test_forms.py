"""The reader of form bodies: urlencoded and multipart, fields, JSON parts, files, limits, broken bodies."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO
from typing import Any, BinaryIO
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import EXCLUDE, INCLUDE, Schema, fields

from ramekin.errors import DeclarationError
from ramekin.fields import Upload
from ramekin.inputs import FormData, FormReader, InputError, compile_form_reader, uploads
from ramekin.inputs.parts import PartHead
from ramekin.inputs.parts import read_parts as split_parts
from ramekin.inputs.uploads import SPOOL_BYTES, clean_filename
from ramekin.limits import Limits
from ramekin.schemas import Fault

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"


class Plain(Schema):
    title = fields.String()
    tags = fields.List(fields.String())
    id = fields.Integer(dump_only=True)


class Rich(Plain):
    author = fields.Nested(Schema.from_dict({"name": fields.String()}))
    books = fields.List(fields.Dict())


class Files(Schema):
    photo = Upload()
    more = fields.List(Upload())
    old = Upload(dump_only=True)


def part(name: str, content: bytes = b"", *, headers: str = "", filename: str | None = None) -> bytes:
    """Return one part on the wire."""
    disposition = f'Content-Disposition: form-data; name="{name}"' + (
        f'; filename="{filename}"' if filename is not None else ""
    )
    return f"--b\r\n{disposition}\r\n{headers}\r\n".encode() + content + b"\r\n"


def file(name: str, content: bytes = b"data", media_type: str = "image/png") -> bytes:
    """Return one part that is a file."""
    return part(name, content, headers=f"Content-Type: {media_type}\r\n", filename="a.png")


def compile_reader(form: Sequence[Schema] = (), files: Sequence[Schema] = (), **limits: int) -> FormReader:
    """Return a reader with some limits changed."""
    return compile_form_reader(form, files, Limits(**limits))


RICH = compile_reader([Rich()], [Files()])
PLAIN = compile_reader([Plain()])


def read(reader: FormReader, body: bytes, content_type: str = MULTIPART) -> FormData:
    """Return what the reader makes of a body."""
    return reader.read(content_type, BytesIO(body))


def read_parts(reader: FormReader, *parts: bytes) -> FormData:
    """Return what the reader makes of a whole body of these parts."""
    return read(reader, b"".join(parts) + b"--b--\r\n")


def faults_of(data: FormData) -> list[tuple[str, str, str]]:
    """Return location, code and pointer of each fault, and close the form."""
    data.close()
    return [(fault.location, fault.code, fault.pointer) for fault in data.faults]


def refusal(reader: FormReader, body: bytes, content_type: str = MULTIPART) -> tuple[int, str]:
    """Return status and code of the error that a body is."""
    with pytest.raises(InputError) as caught:
        read(reader, body, content_type)
    return caught.value.status, caught.value.code


def test_media_types_follow_the_declaration() -> None:
    """Plain fields come in either media type, files and objects in multipart only."""
    assert PLAIN.media_types == ("application/x-www-form-urlencoded", "multipart/form-data")
    assert compile_reader([Rich()]).media_types == compile_reader([], [Files()]).media_types == ("multipart/form-data",)


@pytest.mark.parametrize("media_type", [URLENCODED, MULTIPART])
def test_the_media_type_may_be_in_any_case(media_type: str) -> None:
    """The letter case of the media type does not matter."""
    content_type = media_type.upper().replace("=B", "=b")
    assert read(PLAIN, b"--b--" if media_type == MULTIPART else b"", content_type).form == [{}]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", {}),
        (b"title=a+b%21&tags=x&tags=", {"title": "a b!", "tags": ["x", ""]}),
        (b"title=%C3%A9%00", {"title": "é\0"}),
        ("title=é".encode(), {"title": "é"}),
    ],
)
def test_urlencoded_fields_arrive_decoded(body: bytes, expected: dict[str, Any]) -> None:
    """An urlencoded body is read as a query string is, without objects."""
    data = read(PLAIN, body, URLENCODED)
    data.close()
    assert (data.form, data.files, data.faults) == ([expected], [], [])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"title=1&title=2", ("form", "repeated", "/title")),
        (b"x[a]=1", ("form", "unknown", "/x[a]")),
        (b"id=1", ("form", "read-only", "/id")),
    ],
)
def test_wrong_urlencoded_names_are_faults(body: bytes, expected: tuple[str, str, str]) -> None:
    """A name unknown, read-only or repeated is a fault of the form."""
    assert faults_of(read(PLAIN, body, URLENCODED)) == [expected]


@pytest.mark.parametrize("body", [b"title=%", b"title=%zz", b"title=%ff", b"\xff=1"])
def test_broken_urlencoding_is_refused(body: bytes) -> None:
    """What is no percent-encoded UTF-8 is a 400."""
    assert refusal(PLAIN, body, URLENCODED) == (400, "invalid-form")


def test_multipart_fields_and_files_arrive() -> None:
    """Texts, JSON parts and files each arrive in the mapping of their schema."""
    data = read_parts(
        RICH,
        b"preamble\r\n",
        part("title", "é\r\n\0--b".encode(), headers="Content-Type: text/plain; charset=utf-8\r\n"),
        part("tags", b"x"),
        part("tags", b""),
        part("author", b'{"name": "A"}', headers="Content-Type: application/json\r\n"),
        part("books", b"{}", filename="blob", headers="content-type: Application/X+JSON\r\n"),
        part("books", b'{"a": 1}'),
        file("photo", b"\0\r\n"),
        file("more", b""),
    )
    assert data.form == [{"title": "é\r\n\0--b", "tags": ["x", ""], "author": {"name": "A"}, "books": [{}, {"a": 1}]}]
    photo, (more,) = data.files[0]["photo"], data.files[0]["more"]
    assert (photo.filename, photo.media_type, photo.size, photo.read()) == ("a.png", "image/png", 3, b"\0\r\n")
    assert (more.size, more.stream.read(), data.faults) == (0, b"", [])
    data.close()
    assert photo.stream.closed


def test_each_schema_gets_its_own_parts() -> None:
    """Several schemas of form and of files each get what they declare."""
    reader = compile_reader(
        [Plain(), Schema.from_dict({"a": fields.String()})()], [Files(), Schema.from_dict({"f": Upload()})()]
    )
    data = read_parts(reader, part("a", b"1"), file("f"))
    assert data.form == [{}, {"a": "1"}]
    assert (data.files[0], list(data.files[1])) == ({}, ["f"])
    data.close()


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([part("title"), part("title")], ("form", "repeated", "/title")),
        ([part("nope")], ("form", "unknown", "/nope")),
        ([part("id")], ("form", "read-only", "/id")),
        ([file("nope")], ("files", "unknown", "/nope")),
        ([file("old")], ("files", "read-only", "/old")),
        ([file("photo"), file("photo")], ("files", "repeated", "/photo")),
        ([file("title")], ("form", "invalid", "/title")),
        ([part("photo", b"text")], ("files", "invalid", "/photo")),
        ([part("author", b"{")], ("form", "syntax", "/author")),
        ([part("author", b"{}"), part("author", b"{}")], ("form", "repeated", "/author")),
        ([part("author", b"{}", headers="Content-Type: text/plain\r\n")], ("form", "media-type", "/author")),
        (
            [part("author", b"{}", headers="Content-Type: application/json; charset=latin-1\r\n")],
            ("form", "charset", "/author"),
        ),
        ([part("title", b"x", headers="Content-Type: text/plain; charset=latin-1\r\n")], ("form", "charset", "/title")),
    ],
)
def test_wrong_parts_are_faults(parts: list[bytes], expected: tuple[str, str, str]) -> None:
    """A part under a wrong name, of a wrong kind, or repeated is a fault at its name."""
    assert faults_of(read_parts(RICH, *parts)) == [expected]


def test_a_file_needs_no_name_where_it_has_a_type() -> None:
    """A part without file name is a file where its name is one's and it states a media type."""
    data = read_parts(RICH, part("photo", b"x", headers="Content-Type: image/gif; a=b\r\n"))
    assert (data.files[0]["photo"].filename, data.files[0]["photo"].media_type) == ("", "image/gif")
    data.close()


def test_an_empty_file_input_is_no_file() -> None:
    """What a browser sends where no file was chosen counts as nothing."""
    data = read_parts(RICH, part("photo", b"", filename="", headers="Content-Type: application/octet-stream\r\n"))
    assert (data.files, faults_of(data)) == ([{}], [])


def test_unknown_parts_follow_the_schemas() -> None:
    """EXCLUDE drops unknown texts and files, INCLUDE hands them on."""
    parts = [part("x", b"1"), file("y", b"2")]
    dropped = read_parts(compile_reader([Plain(unknown=EXCLUDE)], [Files(unknown=EXCLUDE)]), *parts)
    kept = read_parts(compile_reader([Plain(unknown=INCLUDE)], [Files(unknown=INCLUDE)]), *parts)
    assert (dropped.form, dropped.files, faults_of(dropped)) == ([{}], [{}], [])
    assert (kept.form, kept.files[0]["y"].read(), faults_of(kept)) == ([{"x": "1"}], b"2", [])


def test_large_files_are_on_disk_until_closed() -> None:
    """A file beyond 500 kB arrives whole, and closing the form closes it; closing twice does no harm."""
    content = bytes(range(256)) * (SPOOL_BYTES // 128)
    data = read_parts(RICH, file("photo", content))
    photo = data.files[0]["photo"]
    assert (photo.size, photo.read() == content) == (len(content), True)
    data.close()
    data.close()
    assert photo.stream.closed


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a.png", "a.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\dir\\a b.txt", "a b.txt"),
        ("a\0\x1f\x7f\u202egnp.txt", "agnp.txt"),
        ("..", ""),
        (".\0.", ""),
        ("dir/", ""),
        ("é.txt", "é.txt"),
    ],
)
def test_a_filename_is_never_a_path(given: str, expected: str) -> None:
    """Of the name that a client gives, the last part stays, without control characters."""
    assert clean_filename(given) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no boundary at all",
        b"--b\r\n",
        part("title", b"x"),
        part("title", b"x") + b"--b",
        part("title", b"x") + b"--b-",
        b"--b\r\n\r\nx\r\n--b--",
        b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--",
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
        b'--b\r\nContent-Disposition: attachment; name="title"\r\n\r\nx\r\n--b--',
        part("title", b"x", headers="garbage\r\n") + b"--b--",
        part("title", b"x", headers="bad name: x\r\n") + b"--b--",
        part("title", b"x", headers='Content-Disposition: form-data; name="tags"\r\n') + b"--b--",
        b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--b--',
        part("title", b"\xff") + b"--b--",
        b"x" * 200_000 + b"\r\n--b--",
    ],
)
def test_broken_multipart_is_refused(body: bytes) -> None:
    """A body without parts, heads or an end as the specification wants them is a 400."""
    assert refusal(RICH, body) == (400, "invalid-form")


@pytest.mark.parametrize(
    "parameter", ["", "; boundary=", '; boundary="a "', "; boundary=" + "a" * 71, '; boundary="é"']
)
def test_a_boundary_that_is_none_is_refused(parameter: str) -> None:
    """A boundary is 1 to 70 characters of the allowed ones."""
    assert refusal(RICH, b"--b--", f"multipart/form-data{parameter}") == (400, "invalid-form")


@pytest.mark.parametrize(
    "disposition",
    [
        'name="title"; name="tags"',
        'name="title"; NAME=tags',
        "name=\"title\"; name*=utf-8''tags",
        'name*0="ti"; name*1="tle"',
        'name="photo"; filename="a"; filename="b"',
        'name="a;b\\"c"; name="title"',
    ],
)
def test_a_part_of_two_names_is_refused(disposition: str) -> None:
    """A parameter that stands twice is a 400: two readers could take it differently."""
    head = f"--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode()
    assert refusal(RICH, head + b"x\r\n--b--") == (400, "invalid-form")


def test_a_text_that_resembles_a_parameter_is_none() -> None:
    """What stands in quotes is no parameter, and a file may have its name in both spellings."""
    head = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a; name=b"; filename*=utf-8\'\'c\r\n\r\n'
    data = read(RICH, head + b"x\r\n--b--")
    assert data.files[0]["photo"].size == 1
    data.close()


@pytest.mark.parametrize("second", ["c", "b"])
def test_two_boundaries_are_refused(second: str) -> None:
    """A Content-Type that names two boundaries is a 400."""
    assert refusal(RICH, b"--b--", f"{MULTIPART}; boundary={second}") == (400, "invalid-form")


class SlowStream:
    """Gives one byte at a time, and perhaps an error at its end."""

    def __init__(self, body: bytes, *, fails: bool = False) -> None:
        self._body = BytesIO(body)
        self._fails = fails

    def read(self, size: int = -1, /) -> bytes:
        piece = self._body.read(1)
        if not piece and self._fails:
            raise OSError("gone")
        return piece


def test_a_body_may_come_byte_by_byte() -> None:
    """How the bytes are cut does not matter."""
    body = part("title", b"x" * 1000) + file("photo", b"\r\n--bb\r\n" * 100) + b"--b--"
    data = RICH.read(MULTIPART, SlowStream(body))
    assert (data.form[0]["title"], data.files[0]["photo"].read()) == ("x" * 1000, b"\r\n--bb\r\n" * 100)
    data.close()


def test_a_client_that_leaves_is_a_bad_request() -> None:
    """A stream that fails is a 400, as a short one is."""
    with pytest.raises(InputError) as caught:
        RICH.read(MULTIPART, SlowStream(part("title"), fails=True))
    assert (caught.value.status, caught.value.code) == (400, "incomplete-body")


CONTENTS = (b"x\r", b"", b"\n", b"y\r\n--bz\r\n--")


@pytest.mark.parametrize("first", range(1, 60))
@pytest.mark.parametrize("boundary", ["b", "a-longer-boundary"])
def test_cuts_change_nothing(first: int, boundary: str) -> None:
    """However a body is cut in three, its parts are the same, to the byte."""
    body = (b"".join(part("a", content) for content in CONTENTS) + b"--b--\r\n").replace(
        b"--b", b"--" + boundary.encode()
    )
    expected = [content.replace(b"--b", b"--" + boundary.encode()) for content in CONTENTS]
    for second in range(first, len(body)):
        found: list[bytes] = []
        for event in split_parts(iter((body[:first], body[first:second], body[second:])), boundary, Limits()):
            if isinstance(event, PartHead):
                found.append(b"")
            else:
                found[-1] += event[0]
        assert found == expected


LIMITS = {
    "body_bytes": 1000,
    "multipart_bytes": 2000,
    "form_parts": 3,
    "form_field_bytes": 100,
    "part_header_bytes": 120,
}
END = b"--b--"


@pytest.mark.parametrize(
    ("files", "content_type", "good", "bad", "code"),
    [
        (False, URLENCODED, b"tags=" + b"x&tags=y&" * 1 + b"tags=z", b"tags&tags&tags&tags", "too-many-parts"),
        (False, URLENCODED, b"title=" + b"x" * 100, b"title=" + b"x" * 101, "form-field-too-large"),
        (False, URLENCODED, b"tags=" + b"x" * 90, b"x" * 1001, "content-too-large"),
        (False, MULTIPART, part("tags") * 3 + END, part("tags") * 4 + END, "too-many-parts"),
        (True, MULTIPART, file("more") * 3 + END, file("more") * 4 + END, "too-many-parts"),
        (False, MULTIPART, part("title", b"x" * 100) + END, part("title", b"x" * 101) + END, "form-field-too-large"),
        (False, MULTIPART, END + b"x" * 995, END + b"x" * 996, "content-too-large"),
        (True, MULTIPART, END + b"x" * 1995, END + b"x" * 1996, "content-too-large"),
        (
            False,
            MULTIPART,
            part("title", headers="X: " + "x" * (120 - 50) + "\r\n") + END,
            part("title", headers="X: " + "x" * (120 - 40) + "\r\n") + END,
            "part-header-too-large",
        ),
        (False, MULTIPART, part("title") + END, b"--b\r\n" + b"x" * 130, "part-header-too-large"),
    ],
)
def test_limits_are_counted_on_what_comes(files: bool, content_type: str, good: bytes, bad: bytes, code: str) -> None:
    """What reaches a limit is read; what passes it is a 413."""
    reader = compile_reader([Plain()], [Files()] if files else [], **LIMITS)
    read(reader, good, content_type).close()
    assert refusal(reader, bad, content_type) == (413, code)


def test_what_was_opened_is_closed_on_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that breaks after a file leaves nothing open."""
    opened: list[BinaryIO] = []
    real = uploads.Uploads.open

    def open_and_note(self: uploads.Uploads) -> BinaryIO:
        opened.append(real(self))
        return opened[-1]

    monkeypatch.setattr(uploads.Uploads, "open", open_and_note)
    assert refusal(RICH, file("photo", b"x" * 600_000) + file("more")) == (400, "invalid-form")
    assert [stream.closed for stream in opened] == [True, True]


def test_a_part_name_is_a_field_or_a_file() -> None:
    """A name in form and in files is refused when the reader is made."""
    with pytest.raises(DeclarationError, match="Both form and files have 'photo'"):
        compile_reader([Schema.from_dict({"photo": fields.String()})()], [Files()])


def test_faults_have_their_sentences() -> None:
    """A fault of a part says what was expected."""
    data = read_parts(RICH, file("title"), part("photo"))
    assert data.faults == [
        Fault("form", "/title", "invalid", "Expected a text, not a file."),
        Fault("files", "/photo", "invalid", "Expected a file, not a text."),
    ]
    data.close()


@given(title=st.text(), tags=st.lists(st.text(), min_size=1))
def test_what_urlencode_writes_is_read_back(title: str, tags: list[str]) -> None:
    """Any text survives the way through an urlencoded form."""
    body = urlencode([("title", title), *(("tags", tag) for tag in tags)]).encode()
    assert read(PLAIN, body, URLENCODED).form == [{"title": title, "tags": tags}]


@given(title=st.text(), content=st.binary(max_size=300))
def test_any_content_survives_multipart(title: str, content: bytes) -> None:
    """Any text and any bytes without the boundary survive the way through a multipart form."""
    boundary = "5f3b8e0a-0d1c"
    body = (part("title", title.encode()) + file("photo", content)).replace(b"--b\r\n", f"--{boundary}\r\n".encode())
    data = read(RICH, body + f"--{boundary}--".encode(), f"multipart/form-data; boundary={boundary}")
    assert (data.form, data.files[0]["photo"].read()) == ([{"title": title}], content)
    data.close()


PIECES = st.sampled_from(
    [
        *(b"--b", b"--b\r\n", b"--b--", b"\r\n", b"\n", b"\r", b" ", b"--", b"b", b":", b";", b'"', b"\xff", b"x" * 50),
        *(part("title", b"x"), part("author", b"{}"), file("photo"), part("nope"), b"Content-Disposition: form-data"),
        *(b'; name="title"', b'; filename="x"', b"Content-Type: text/plain; charset=utf-8"),
        b"; name*0=a; name*1*=utf-8''b",
    ]
)


@given(st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=20).map(b"".join)), st.booleans())
@settings(max_examples=400)
def test_no_body_raises_anything_else(body: bytes, begins_well: bool) -> None:
    """Whatever stands in a body, it is read or is an `InputError`."""
    for reader, content_type in ((RICH, MULTIPART), (PLAIN, MULTIPART), (PLAIN, URLENCODED)):
        with suppress(InputError):
            read(reader, b"--b\r\n" * begins_well + body, content_type).close()


@given(st.text(max_size=60))
def test_no_content_type_raises_anything_else(text: str) -> None:
    """Whatever stands in Content-Type, the body is read or refused."""
    for content_type in (text, f"multipart/form-data; {text}", f"multipart/form-data; boundary={text}"):
        with suppress(InputError):
            read(PLAIN, b"--b--", content_type).close()
