"""The smallest API: one resource with one operation."""

from __future__ import annotations

from marshmallow import fields

from ramekin import App, Resource, accepts, returns

app = App("Hello", description="Greets.", contact={"name": "Us"}, license={"name": "MIT", "identifier": "MIT"})


@app.resource("/hello")
class Hello(Resource):
    @accepts(query={"name": fields.String(load_default="world")})
    @returns({"message": fields.String(required=True)})
    def get(self, query: dict[str, str]) -> dict[str, str]:
        """Greet somebody."""
        return {"message": f"Hello, {query['name']}!"}
