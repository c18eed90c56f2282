"""What the tests of the document share: documents of a few resources, and the schema of one field."""

from __future__ import annotations

from typing import Any, Literal

from marshmallow import Schema
from marshmallow.fields import Field

from ramekin import App, Resource, accepts, returns


def document_of(*resources: type[Resource], version: Literal["3.1", "3.0"] = "3.1", **options: Any) -> dict[str, Any]:
    """Return the document of an app with these resources, each under its own name in lower case."""
    app = App("Test", version="1", **options)
    for resource in resources:
        app.add_resource(f"/{resource.__name__.lower()}", resource)
    return app.compile().document(version)


def components_of(
    *, reads: Any = None, writes: Any = None, version: Literal["3.1", "3.0"] = "3.1", **options: Any
) -> dict[str, Any]:
    """Return the schema components of an app that returns some schemas and accepts others, without problems' own."""
    resources = []
    for number, schema in enumerate(reads or ()):

        class Reading(Resource):
            @returns(schema)
            def get(self) -> Any: ...

        resources.append(type(f"Reading{number}", (Reading,), {}))
    for number, schema in enumerate(writes or ()):

        class Writing(Resource):
            @accepts(json=schema, **options)
            @returns(status=204)
            def put(self, json: Any) -> Any: ...

        resources.append(type(f"Writing{number}", (Writing,), {}))
    schemas: dict[str, Any] = document_of(*resources, version=version)["components"]["schemas"]
    return {name: schema for name, schema in schemas.items() if not name.endswith("Problem") and name != "Fault"}


def written(
    field: Field[Any], version: Literal["3.1", "3.0"] = "3.1", *, read: bool = False, **options: Any
) -> dict[str, Any]:
    """Return what the document says of a field in a body."""
    schema = Schema.from_dict({"value": field}, name="OneFieldSchema")
    given = {"reads": [schema]} if read else {"writes": [schema]}
    components = components_of(version=version, **given, **options)
    found: dict[str, Any] = components["OneField" if read else "OneFieldInput"]["properties"]["value"]
    return found
