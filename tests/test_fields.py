"""The Upload field and the files that it loads."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields

from ramekin.errors import DeclarationError
from ramekin.fields import Upload, UploadedFile
from ramekin.schemas import collect_faults, compile_loader


class Form(Schema):
    photo = Upload(max_bytes=4, media_types=("image/PNG", "text/*"))
    more = fields.List(Upload())


def upload(content: bytes = b"abcd", media_type: str = "image/png") -> UploadedFile:
    """Return a file as a reader makes it."""
    return UploadedFile("a.png", media_type, len(content), BytesIO(content))


def test_a_file_loads_as_it_is() -> None:
    """A file that meets the options is the value, alone or in a list."""
    one, two = upload(), upload(b"12345", "text/x")
    loaded = Form().load({"photo": one, "more": [one, two]})
    assert loaded["photo"] is one
    assert loaded["more"] == [one, two]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("text", "Not a file."),
        (None, "Field may not be null."),
        (upload(b"12345"), "Longer than 4 bytes."),
        (upload(media_type="image/gif"), "Media type is none of: image/png, text/*."),
        (upload(media_type="text"), "Media type is none of: image/png, text/*."),
    ],
)
def test_a_file_that_misses_the_options_is_a_fault(value: Any, message: str) -> None:
    """What is no file, too long or of another media type is refused."""
    with pytest.raises(ValidationError) as caught:
        Form().load({"photo": value})
    assert caught.value.messages == {"photo": [message]}


@pytest.mark.parametrize(
    ("given", "taken"),
    [((), True), ("text/plain", True), (("*/*",), True), (("text/*",), True), (("image/*", "text/html"), False)],
)
def test_media_types_may_be_ranges(given: Any, taken: bool) -> None:
    """A range takes every subtype, and no media types at all take everything."""
    assert Upload(media_types=given).takes("text/plain") is taken


@pytest.mark.parametrize("options", [{"max_bytes": 0}, {"max_bytes": True}, {"max_bytes": "1"}])
def test_a_bad_length_is_a_mistake_of_the_developer(options: dict[str, Any]) -> None:
    """The longest content is a positive integer."""
    with pytest.raises(DeclarationError, match="max_bytes"):
        Upload(**options)


@pytest.mark.parametrize("given", ["png", "*/png", "image/png; q=1", "", (1,)])
def test_a_bad_media_type_is_a_mistake_of_the_developer(given: Any) -> None:
    """A media type has a type and a subtype and no parameters."""
    with pytest.raises(DeclarationError, match="media_types"):
        Upload(media_types=(given,) if isinstance(given, str) else given)


@pytest.mark.parametrize(
    ("value", "code"), [(upload(b"12345"), "too-large"), (upload(media_type="a/b"), "media-type"), (1, "invalid")]
)
def test_faults_of_files_have_stable_codes(value: Any, code: str) -> None:
    """What is wrong with a file is a fault with a code of its own."""
    form = Form()
    with pytest.raises(ValidationError) as caught:
        compile_loader(form, "files")({"photo": value})
    assert [fault.code for fault in collect_faults(form, caught.value, "files")] == [code]


def test_options_can_be_read_back() -> None:
    """Whoever describes the field reads its options from it."""
    field = Form().fields["photo"]
    assert isinstance(field, Upload)
    assert (field.max_bytes, field.media_types) == (4, ("image/png", "text/*"))


def test_a_file_is_read_and_saved_whole(tmp_path: Path) -> None:
    """Reading and saving take all bytes and leave the stream at its beginning."""
    file = upload()
    file.stream.read(2)
    file.save(tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == file.read() == file.read() == b"abcd"
    assert file.stream.tell() == 0


def test_a_message_of_ones_own_has_the_placeholders() -> None:
    """A message given for the field is filled in like the default one."""
    field = Upload(max_bytes=1, error_messages={"too-large": "At most {max_bytes}!"})
    with pytest.raises(ValidationError, match="At most 1!"):
        field.deserialize(upload())
