"""Fields and schemas as JSON Schema, one converter for each way in which values travel.

The converter is apispec's, with its rules for fields replaced: the type of a field comes from the table that the
loader reads (`ramekin.schemas.kinds`), so that the documented type is what is accepted. It writes JSON Schema 2020-12;
`ramekin.openapi.lowering` makes that of OpenAPI 3.0 from it.

Specification: JSON Schema 2020-12; OpenAPI 3.1 §4.8.24 (schema object).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from apispec import APISpec
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import INCLUDE, RAISE, Schema, fields, missing
from marshmallow.fields import Field
from marshmallow.utils import is_collection

from ramekin.fields import Upload
from ramekin.openapi.keywords import describe_validators
from ramekin.openapi.names import component_name
from ramekin.openapi.values import NotJSON, to_json
from ramekin.schemas import formats, kinds
from ramekin.schemas.copies import barred_names
from ramekin.types import Location, Shape

if TYPE_CHECKING:
    from ramekin.openapi.components import Components

JSONSchema: TypeAlias = dict[str, Any]
#: What a load need not find: everything, these names, or nothing beyond what the fields say (None).
Partial: TypeAlias = Literal[True] | frozenset[str] | None

#: Members of a field's metadata that go into the document as they are; and those named ``x-…``.
SCHEMA_KEYWORDS = frozenset(
    {
        *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "externalDocs", "xml"),
        *("type", "format", "enum", "const", "pattern", "minLength", "maxLength", "discriminator"),
        *("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
        *("properties", "patternProperties", "additionalProperties", "propertyNames", "minProperties", "maxProperties"),
        *("allOf", "anyOf", "oneOf", "not", "contentMediaType", "contentEncoding", "contentSchema"),
    }
)
_JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
#: Kinds whose every value is written in one way, so that it can be listed.
_CANONICAL = {
    *(kinds.STRING, kinds.URI, kinds.URI_REFERENCE, kinds.EMAIL),
    *(kinds.INTEGER, kinds.NUMBER, kinds.BOOLEAN, kinds.DATE),
}


@dataclass(frozen=True, slots=True)
class Mode:
    """How values travel.

    Attributes:
        direction: ``read`` for what clients get, ``write`` for what they send.
        location: Where they stand; all but ``json`` carry text, which is never null.
        coerce: Whether marshmallow's lenient types are taken.
        inline: Whether nested schemas are written in place instead of as components.
        partial: What need not be sent, as the outer schema says; None where it says nothing.
    """

    direction: Literal["read", "write"]
    location: Location = "json"
    coerce: bool = False
    inline: bool = False
    partial: Partial = None

    @property
    def is_text(self) -> bool:
        """Whether values come as text."""
        return self.location != "json"

    def under(self, schema: Schema) -> Mode:
        """Return the mode of the fields of a schema."""
        if self.partial is not None or schema.partial is None:
            return self
        return replace(self, partial=normalize_partial(schema.partial))

    def inside(self, name: str) -> Mode:
        """Return the mode within one field, as marshmallow hands ``partial`` down."""
        if not isinstance(self.partial, frozenset):
            return self
        prefix = f"{name}."
        inner = frozenset(each.removeprefix(prefix) for each in self.partial if each.startswith(prefix))
        return replace(self, partial=inner)


def normalize_partial(given: Any) -> Partial:
    """Return a schema's ``partial`` in one form."""
    if given is None or given is True:
        return given
    return frozenset(given) if is_collection(given) else frozenset()


class Converter(OpenAPIConverter):
    """Writes fields and schemas for one mode.

    Args:
        mode: How the values travel.
        components: Where nested schemas become components.
        spec: The document in the making.
    """

    def __init__(self, mode: Mode, components: Components, spec: APISpec) -> None:
        self.mode = mode
        self.components = components
        super().__init__(spec.openapi_version, component_name, spec)

    def init_attribute_functions(self) -> None:
        """Name the rules for fields, in order; each sees what those before it wrote."""
        self.attribute_functions: list[Any] = [
            self.describe_kind,
            self.describe_structure,
            self.describe_validators,
            self.describe_default,
            self.describe_metadata,
            self.describe_null,
        ]

    # -- Schemas ------------------------------------------------------------------------------------------------------

    def convert_shape(self, shape: Shape) -> JSONSchema:
        """Return the JSON Schema of a schema or of one field."""
        return self.resolve_nested_schema(shape) if isinstance(shape, Schema) else self.convert_field(shape)

    def convert_field(self, field: Field[Any]) -> JSONSchema:
        """Return the JSON Schema of one field."""
        schema: JSONSchema = self.field2property(field)
        return schema

    def resolve_nested_schema(
        self, schema: Schema, *, unknown: str | None = None, many: bool | None = None
    ) -> JSONSchema:
        """Return a reference to a schema's component, in an array where there are many."""
        if self.mode.inline:
            one = self.under(self.mode.under(schema)).schema2jsonschema(schema, unknown=unknown)
        else:
            one = self.components.reference(schema, self.mode, unknown)
        return {"type": "array", "items": one} if (schema.many if many is None else many) else one

    def schema2jsonschema(self, schema: Schema, *, unknown: str | None = None) -> JSONSchema:
        """Return the object that a schema loads or dumps."""
        result: JSONSchema = {"type": "object", **_schema_annotations(type(schema))}
        result |= self.convert_members(schema)
        closed = {RAISE: False, INCLUDE: True}.get(unknown or schema.unknown)
        if self.mode.direction == "write" and closed is not None:
            result["additionalProperties"] = closed
        if self.mode.direction == "write" and closed and (barred := barred_names(schema)):
            # Of all the names that are not documented, these are not taken.
            result["properties"] = {**result["properties"], **{name: {"not": {}} for name in barred}}
        return result

    def convert_members(self, schema: Schema) -> JSONSchema:
        """Return ``properties`` and ``required`` of a schema."""
        names = schema.dump_fields if self.mode.direction == "read" else schema.load_fields
        ordered = [name for name in schema.declared_fields if name in names]
        properties, required = {}, []
        for name in ordered:
            field = schema.fields[name]
            key = name if field.data_key is None else field.data_key
            properties[key] = self.under(self.mode.inside(name)).convert_field(field)
            if self.is_left_open(name) and "default" not in field.metadata:
                properties[key].pop("default", None)  # marshmallow fills in nothing where it loads partially.
            if self.is_required(name, field):
                required.append(key)
        return {"properties": properties} | ({"required": required} if required else {})

    def is_required(self, name: str, field: Field[Any]) -> bool:
        """Tell whether an object has to have a field."""
        if self.mode.direction == "read":
            return not field.metadata.get("optional", False)
        return field.required and not self.is_left_open(name)

    def is_left_open(self, name: str) -> bool:
        """Tell whether a partial load leaves a field out where it is missing."""
        partial = self.mode.partial
        return partial is True or (partial is not None and name in partial)

    def under(self, mode: Mode) -> Converter:
        """Return the converter of another mode."""
        return self if mode == self.mode else self.components.converter(mode)

    # -- The rules for fields -----------------------------------------------------------------------------------------

    def describe_kind(self, field: Field[Any], ret: JSONSchema) -> JSONSchema:
        """Say the type, by the table of what is accepted."""
        if isinstance(field, Upload):
            concrete = [one for one in field.media_types if "*" not in one]
            media_type = concrete[0] if len(field.media_types) == len(concrete) == 1 else "application/octet-stream"
            size = {} if field.max_bytes is None else {"maxLength": field.max_bytes}
            return {"type": "string", "contentMediaType": media_type, **size}
        kind = self.kind_of(field)
        if kind is kinds.ANY:
            return self._describe_anything(field)
        if kind is kinds.IP:
            return {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}
        said = {"type": kind.type, "format": kind.format, "pattern": kind.pattern}
        found = {name: value for name, value in said.items() if value is not None}
        return found | _timestamp_bounds(field) if kind is kinds.TIMESTAMP else found

    def kind_of(self, field: Field[Any]) -> kinds.Kind:
        """Return the kind of value that a field takes or gives."""
        if "type" in field.metadata:
            return kinds.ANY
        kind = kinds.accepted_kind(field, self.mode.location, coerce=self.mode.coerce)
        if kind is kinds.ANY and isinstance(field, _STRUCTURED):
            return kinds.accepted_kind(field)
        if kind is kinds.ANY and (self.mode.coerce or self.mode.direction == "read"):
            # However lenient the load: text stays text, and a dumped Boolean is true or false.
            plain = kinds.accepted_kind(field)
            if plain is kinds.STRING and not isinstance(field, fields.Enum):
                return plain
            if isinstance(field, fields.Boolean) and self.mode.direction == "read":
                return kinds.BOOLEAN
        return kind

    def _describe_anything(self, field: Field[Any]) -> JSONSchema:
        if "type" in field.metadata:
            return {}
        if self.mode.is_text:
            return {"type": "string"}
        if isinstance(field, fields.Constant) and self.mode.direction == "read":
            return self._if_json(lambda: {"const": to_json(field.constant)})
        if self.mode.direction == "write" and not field.allow_none:
            return {"not": {"type": "null"}}
        return {}

    def describe_structure(self, field: Field[Any], ret: JSONSchema) -> JSONSchema:
        """Say what is inside a field that holds others."""
        if isinstance(field, fields.List):
            return {"type": "array", "items": self.convert_field(field.inner)}
        if isinstance(field, fields.Tuple):
            items = [self.convert_field(inner) for inner in field.tuple_fields]
            # Linters want items in every array; where there are no more than those before, it says nothing.
            return {"type": "array", "prefixItems": items, "items": {}, "minItems": len(items), "maxItems": len(items)}
        if isinstance(field, fields.Mapping):
            return self._describe_mapping(field)
        if isinstance(field, fields.Pluck):
            return self._describe_pluck(field, ret)
        if isinstance(field, fields.Nested):
            many = bool(field.many or field.schema.many)
            if not many:
                ret.pop("type", None)
            return self.within(field).resolve_nested_schema(field.schema, unknown=field.unknown, many=many)
        if isinstance(field, fields.Enum):
            return self._describe_enum(field)
        return {}

    def within(self, field: Field[Any]) -> Converter:
        """Return the converter of what stands inside an object of its own: JSON in a form, text elsewhere."""
        return self.under(replace(self.mode, location="json")) if self.mode.location == "form" else self

    def _describe_mapping(self, field: fields.Mapping[Any]) -> JSONSchema:
        inner = self.within(field)
        found: JSONSchema = {}
        if field.value_field is not None:
            found["additionalProperties"] = inner.convert_field(field.value_field)
        elif self.mode.inline:
            found["additionalProperties"] = {"type": "string"}
        if field.key_field is not None:
            names = _property_names(self.under(Mode(self.mode.direction, "query")).convert_field(field.key_field))
            if names:
                found["propertyNames"] = names
        return found

    def _describe_pluck(self, field: fields.Pluck, ret: JSONSchema) -> JSONSchema:
        ret.clear()
        one = self.convert_field(field.schema.fields[field.field_name])
        return {"type": "array", "items": one} if field.many or field.schema.many else one

    def _describe_enum(self, field: fields.Enum[Any]) -> JSONSchema:
        if field.by_value is False:
            return {"type": "string", "enum": list(field.enum.__members__)}
        base = {} if field.by_value is True else self.convert_field(field.field)
        if self.mode.coerce and base:
            return base  # Several written values mean one member.
        inner = field.field
        found = self._if_json(lambda: {"enum": [to_json(inner._serialize(one.value, "", None)) for one in field.enum]})
        if "enum" not in found:
            return base
        choices = [value for value in found["enum"] if value is not None]
        if self.mode.is_text and field.by_value is True:
            choices = [value for value in choices if isinstance(value, str)]
        types = {_JSON_TYPES[type(value)] for value in choices}
        return ({"type": types.pop()} if len(types) == 1 and "type" not in base else {}) | base | {"enum": choices}

    def describe_validators(self, field: Field[Any], ret: JSONSchema) -> JSONSchema:
        """Say what the validators want."""
        json_type = field.metadata.get("type", ret.get("type"))
        comparable = self.kind_of(field) in _CANONICAL or isinstance(field, fields.Enum) or type(field) is fields.Raw
        found = describe_validators(field, json_type if isinstance(json_type, str) else None, choices=comparable)
        items = found.pop("items", None)
        if items is not None:
            found["items"] = {**ret.get("items", {}), **items}
        if "not" in found and "not" in ret:
            found["not"] = {"anyOf": [ret["not"], found["not"]]}
        if "enum" in found and "enum" in ret:
            found["enum"] = [value for value in ret["enum"] if value in found["enum"]]
        return found

    def describe_default(self, field: Field[Any], ret: JSONSchema) -> JSONSchema:
        """Say what stands in for a missing value."""
        default = field.load_default
        if self.mode.direction == "read" or default is missing or callable(default):
            return {}
        if default is None:
            return {"default": None} if field.allow_none and not self.mode.is_text else {}
        return self._if_json(lambda: {"default": to_json(field._serialize(default, "", None))})

    def describe_metadata(self, field: Field[Any], ret: JSONSchema) -> JSONSchema:
        """Say what the field's metadata says, over everything else."""
        said = {}
        for name, value in field.metadata.items():
            if name in SCHEMA_KEYWORDS or name.startswith("x-"):
                said[name] = to_json(value)
        if "example" in field.metadata and "examples" not in said:
            said["examples"] = [to_json(field.metadata["example"])]
        if "type" in said:
            ret.pop("format", None)
            ret.pop("pattern", None)
        return said

    def describe_null(self, field: Field[Any], ret: JSONSchema) -> JSONSchema:
        """Let null stand where the field takes it."""
        if not field.allow_none or self.mode.is_text:
            return {}
        if "const" in ret and ret["const"] is not None:
            ret["enum"] = [ret.pop("const")]
        if "enum" in ret and None not in ret["enum"]:
            ret["enum"] = [*ret["enum"], None]
        if "$ref" in ret:
            return {"anyOf": [{"$ref": ret.pop("$ref")}, {"type": "null"}]}
        given = ret.get("type")
        if given is None:
            return {}
        types = given if isinstance(given, list) else [given]
        return {"type": types if "null" in types else [*types, "null"]}

    @staticmethod
    def _if_json(write: Callable[[], JSONSchema]) -> JSONSchema:
        """Return what a value comes to, or nothing where it has no form in JSON."""
        try:
            return write()
        except (NotJSON, AttributeError, LookupError, TypeError, ValueError, ArithmeticError):
            return {}


#: The first second of the year 10000.
_END_OF_TIME = 253_402_300_800
_STRUCTURED = (fields.List, fields.Tuple, fields.Mapping, fields.Nested)


def _timestamp_bounds(field: Any) -> JSONSchema:
    """Return the bounds of a timestamp: those of what a datetime can hold, from 1970 on."""
    return {"minimum": 0, "exclusiveMaximum": _END_OF_TIME * (1000 if field.format == "timestamp_ms" else 1)}


def _property_names(key: JSONSchema) -> JSONSchema:
    """Return what the names of an object's members are like; they are strings, whatever they stand for."""
    json_type = key.get("type")
    if json_type == "integer":
        return {"pattern": formats.INTEGER}
    if json_type == "number":
        return {"pattern": formats.NUMBER}
    if json_type == "boolean":
        return {"enum": ["true", "false"]}
    kept = ("format", "pattern", "enum", "const", "minLength", "maxLength", "anyOf", "allOf", "not")
    return {name: key[name] for name in kept if name in key}


def _schema_annotations(cls: type[Schema]) -> JSONSchema:
    """Return title and description of a schema class: as its Meta says, else its own docstring."""
    found: JSONSchema = {name: text for name in ("title", "description") if (text := getattr(cls.Meta, name, None))}
    doc = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    return found if "description" in found or not doc else {**found, "description": doc}
