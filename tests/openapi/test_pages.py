"""The resources that serve the document and the docs page."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest
from marshmallow import fields

from ramekin import App, Resource, Settings, returns
from ramekin.openapi.assets import find_assets
from ramekin.openapi.pages import render_page
from ramekin.testing import Client


class Things(Resource):
    @returns(fields.Integer())
    def get(self) -> int:
        """Count things."""
        return 1


@pytest.fixture
def app() -> App:
    """An app of one resource."""
    app = App("Things & <more>")
    app.add_resource("/things", Things)
    return app


@pytest.fixture
def without_offapi(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the package that renders the page be missing."""
    monkeypatch.setitem(sys.modules, "offapi", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    find_assets.cache_clear()
    yield
    find_assets.cache_clear()


def test_document_is_served_with_an_entity_tag(client: Client) -> None:
    """The document is JSON, may be kept, and has to be asked about again."""
    response = client.get("/openapi.json")
    assert response.status == 200
    assert response.json["info"]["title"] == "Things & <more>"
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-cache"
    assert re.fullmatch('"[0-9a-f]{32}"', response.headers["ETag"])


@pytest.mark.parametrize("condition", ["{}", "W/{}", '"x", {}', "*", '"a","b" , W/{}'])
def test_known_document_is_not_sent_again(client: Client, condition: str) -> None:
    """An If-None-Match that names the tag, weak or in a list, is answered by 304 with the tag alone."""
    etag = client.get("/openapi.json").headers["ETag"]
    response = client.get("/openapi.json", headers={"If-None-Match": condition.format(etag)})
    assert (response.status, response.content, response.headers["ETag"]) == (304, b"", etag)


@pytest.mark.parametrize("condition", ['"x"', "", 'W/"x"'])
def test_other_document_is_sent(client: Client, condition: str) -> None:
    """An If-None-Match that names other tags changes nothing."""
    assert client.get("/openapi.json", headers={"If-None-Match": condition}).status == 200


def test_document_has_no_operation_of_its_own(client: Client) -> None:
    """The document and its page are served, and do not stand in the document."""
    assert list(client.get("/openapi.json").json["paths"]) == ["/things"]


def test_page_asks_its_own_origin_only(client: Client) -> None:
    """The page has a strict policy, no inline script or style, and relative URLs alone."""
    response = client.get("/docs")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r'(src|href)="(https?:|/)', response.text)
    assert "<style" not in response.text
    assert not re.search(r"<script[^>]*>[^<]", response.text)


def test_title_is_text(client: Client) -> None:
    """A title's markup is shown, not interpreted."""
    assert "<title>Things &amp; &lt;more&gt;</title>" in client.get("/docs").text


def test_every_file_of_the_page_is_served(client: Client) -> None:
    """The files that the page names are there, with a type of their own, and may be kept for ever."""
    names = re.findall(r'(?:src|href)="(docs/assets/[^"]+)"', client.get("/docs").text)
    assert len(names) == 3
    for name in names:
        response = client.get(f"/{name}")
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/css" if name.endswith("css") else "text/javascript")
        assert response.headers["Cache-Control"] == "max-age=31536000, immutable"
        again = client.get(f"/{name}", headers={"If-None-Match": response.headers["ETag"]})
        assert (again.status, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["0/swagger-ui.js", "{version}/url.json", "{version}/__init__.py"])
def test_other_files_are_not_served(client: Client, path: str) -> None:
    """Another version, and files that the page does not name, are not there."""
    assets = find_assets()
    assert assets is not None
    assert client.get(f"/docs/assets/{path.format(version=assets.version)}").status == 404


def test_package_of_the_page_is_not_imported(client: Client) -> None:
    """The files are read from the package's folder; importing it would read every bundle it has."""
    client.get("/docs")
    assert "offapi" not in sys.modules


@pytest.mark.usefixtures("without_offapi")
def test_page_without_its_package_says_what_to_install(client: Client) -> None:
    """Where nothing renders the document, the page links to it and says what is missing."""
    response = client.get("/docs")
    assert response.status == 200
    assert 'pip install "ramekin[docs]"' in response.text
    assert 'href="openapi.json"' in response.text
    assert client.get("/docs/assets/0/start.js").status == 404


def test_package_without_the_files_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A package of that name that lacks the files renders nothing."""
    spec = ModuleSpec("offapi", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    assert find_assets.__wrapped__() is None


@pytest.mark.parametrize(
    ("docs_path", "openapi_path", "document", "assets"),
    [
        ("/docs", "/openapi.json", "openapi.json", "docs/assets/"),
        ("/docs/", "/openapi.json", "../openapi.json", "assets/"),
        ("/a/docs", "/b/openapi.json", "../b/openapi.json", "docs/assets/"),
        ("/", "/openapi.json", "openapi.json", "assets/"),
    ],
)
def test_urls_are_relative_to_the_page(docs_path: str, openapi_path: str, document: str, assets: str) -> None:
    """Wherever page and document stand, and whatever is before them, the page finds its own."""
    page = render_page("T", docs_path, openapi_path, find_assets())
    assert f'data-document="{document}"' in page
    assert f'src="{assets}' in page


def test_paths_can_be_moved_and_switched_off(app: App) -> None:
    """Settings say where document and page stand, or that they do not."""
    moved: Any = Client(app, settings=Settings(docs_path="/help", openapi_path="/api.json"))
    assert [moved.get(path).status for path in ("/help", "/api.json", "/docs", "/openapi.json")] == [200, 200, 404, 404]
    neither = Client(app, settings=Settings(openapi_path=None))
    assert [neither.get(path).status for path in ("/docs", "/openapi.json")] == [404, 404]
    off = Client(app, settings=Settings(docs_path=None))
    assert [off.get(path).status for path in ("/docs", "/openapi.json")] == [404, 200]
