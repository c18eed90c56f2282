"""Request bodies in the document."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from marshmallow import EXCLUDE, INCLUDE, Schema, fields
from tests.openapi.conftest import document_of

from ramekin import Resource, accepts, returns
from ramekin.fields import Upload
from ramekin.limits import Limits
from ramekin.operations import Codec, Declaration, Effects, Endpoint


class NoteSchema(Schema):
    text = fields.String(required=True, allow_none=True)
    kept = fields.Integer(dump_only=True)


def body_of(version: Any = "3.1", **options: Any) -> dict[str, Any]:
    """Return the request body of an operation that accepts this."""

    class Things(Resource):
        @accepts(**options)
        @returns(status=204)
        def post(self, **inputs: Any) -> None: ...

    body: dict[str, Any] = document_of(Things, version=version)["paths"]["/things"]["post"]["requestBody"]
    return body


def test_json_body() -> None:
    """A JSON body refers to its component, and is required unless the declaration says otherwise."""
    schema = {"schema": {"$ref": "#/components/schemas/NoteInput"}}
    assert body_of(json=NoteSchema) == {"required": True, "content": {"application/json": schema}}
    assert body_of(json=NoteSchema, required=False)["required"] is False


def test_json_body_of_stated_media_types() -> None:
    """The media types of the declaration stand in place of application/json."""
    types = ("application/merge-patch+json", "application/vnd.note+json")
    assert list(body_of(json=NoteSchema, media_types=types)["content"]) == list(types)


def test_body_of_one_field_and_of_many() -> None:
    """A single field stands in place; many=True is an array."""
    assert body_of(json=fields.List(fields.Integer()))["content"]["application/json"]["schema"]["type"] == "array"
    schema = body_of(json=NoteSchema(many=True))["content"]["application/json"]["schema"]
    assert schema == {"type": "array", "items": {"$ref": "#/components/schemas/NoteInput"}}


def test_codec_adds_its_media_type() -> None:
    """A further format of the body is a further media type of the same schema."""

    class Packed(Declaration):
        def effects(self, endpoint: Endpoint) -> Effects:
            def load(data: bytes, limits: Limits) -> Any:
                return {}

            return Effects(codecs=(Codec(media_type="application/msgpack", load=load),))

    class Things(Resource):
        @Packed()
        @accepts(json=NoteSchema)
        @returns(status=204)
        def post(self, json: Any) -> None: ...

    content = document_of(Things)["paths"]["/things"]["post"]["requestBody"]["content"]
    assert list(content) == ["application/json", "application/msgpack"]
    assert content["application/json"] == content["application/msgpack"]


def test_plain_form_comes_in_both_encodings() -> None:
    """A form of plain fields may be urlencoded or multipart; its values are text, so never null."""
    content = body_of(form=NoteSchema)["content"]
    assert list(content) == ["application/x-www-form-urlencoded", "multipart/form-data"]
    assert content["multipart/form-data"] == {
        "schema": {
            "type": "object",
            "properties": {"text": {"type": "string"}},
            "required": ["text"],
            "additionalProperties": False,
        }
    }


def test_object_in_a_form_is_a_json_part() -> None:
    """A Nested or Dict field makes the form multipart and stands in a part of JSON, where null is null."""
    content = body_of(form={"note": fields.Nested(NoteSchema), "all": fields.List(fields.Nested(NoteSchema))})[
        "content"
    ]
    assert list(content) == ["multipart/form-data"]
    part = content["multipart/form-data"]
    assert part["encoding"] == {"note": {"contentType": "application/json"}, "all": {"contentType": "application/json"}}
    assert part["schema"]["properties"]["note"] == {"$ref": "#/components/schemas/NoteInput"}


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("3.1", {"type": "string", "contentMediaType": "application/octet-stream", "maxLength": 9}),
        ("3.0", {"type": "string", "format": "binary", "maxLength": 9}),
    ],
)
def test_files_beside_a_form(version: str, expected: dict[str, Any]) -> None:
    """Files and form fields are parts of one body; the media types of a file are those of its part."""
    files = {
        "cover": Upload(required=True, max_bytes=9, media_types=("image/png", "image/*")),
        "more": fields.List(Upload()),
    }
    media_type = body_of(version, form={"title": fields.String()}, files=files)["content"]["multipart/form-data"]
    assert list(media_type["schema"]["properties"]) == ["title", "cover", "more"]
    assert media_type["schema"]["required"] == ["cover"]
    assert media_type["schema"]["properties"]["cover"] == expected
    assert media_type["encoding"] == {"cover": {"contentType": "image/png, image/*"}}


def test_file_of_one_media_type() -> None:
    """A file of one type says which."""
    content = body_of(files={"cover": Upload(media_types=("image/png",))})["content"]
    cover = content["multipart/form-data"]["schema"]["properties"]["cover"]
    assert cover["contentMediaType"] == "image/png"


@pytest.mark.parametrize(("unknown", "expected"), [(INCLUDE, True), (EXCLUDE, None)])
def test_form_that_takes_unknown_names(unknown: Literal["include", "exclude"], expected: bool | None) -> None:
    """A form whose schema takes unknown names is not closed."""
    content = body_of(form=NoteSchema(unknown=unknown))["content"]
    assert content["multipart/form-data"]["schema"].get("additionalProperties") is expected
