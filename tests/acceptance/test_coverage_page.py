"""The page of the contract's coverage in a real browser: it filters, and asks nobody for anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.acceptance import browsers
from tests.acceptance.browsers import Browser
from tests.acceptance.conftest import EXAMPLES

from ramekin.cli.targets import load_app
from ramekin.testing.coverage import Coverage
from ramekin.testing.coverage_page import write_page

browser = browsers.browser

#: The paths of the operations that are seen, and the texts of the points in them.
SEEN = """
const seen = selector => [...document.querySelectorAll(selector)].filter(one => one.checkVisibility());
return [seen("details .path").map(one => one.innerText), seen("li code").map(one => one.innerText)];
"""


@pytest.fixture
def page(tmp_path: Path) -> str:
    """The address of a page on which all is met but the 404 of one operation."""
    coverage = Coverage()
    coverage.declare(load_app(str(EXAMPLES / "bookshop.py")).compile())
    for point in coverage.all_points():
        point.add(1, ["test_shop.py::test_books"])
    (api,) = coverage.apis.values()
    api.operations["deleteBookItem"].points["problem", "404 not-found"].count = 0
    file = tmp_path / "contract.html"
    file.write_text(write_page(coverage), encoding="utf-8")
    return file.as_uri()


def test_page_filters(browser: Browser, page: str) -> None:
    """What is missing is open at first; the filter and the box leave only what is asked for."""
    browser.open(page)
    paths, points = browser.run(SEEN)
    assert len(paths) == 16
    assert "404 not-found" in points

    browser.run("document.querySelector('[name=missing]').click()")
    assert browser.run(SEEN) == [["/books/{book_id}"], ["404 not-found"]]

    browser.run(
        "const field = document.querySelector('[name=words]'); field.value = 'post sales'; "
        "field.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    assert browser.run(SEEN) == [[], []]
    browser.run("document.querySelector('[name=missing]').click()")
    assert browser.run(SEEN)[0] == ["/books/{book_id}/sales"]


def test_page_asks_nobody(browser: Browser, page: str) -> None:
    """The page loads nothing but itself, and its own policy stops nothing of it."""
    browser.open(page)
    browser.wait_for("return document.querySelector('form') && !document.querySelector('form').hidden")

    assert [url for url in browser.requested() if not url.startswith("data:")] == [page]
    assert browser.log("browser") == []
