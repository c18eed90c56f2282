"""The docs page in a real browser: it shows the operations, and asks nobody but its own origin."""

from __future__ import annotations

import json
from urllib.request import urlopen

import pytest
from tests.acceptance import browsers
from tests.acceptance.browsers import Browser
from tests.acceptance.conftest import Server

browser = browsers.browser


COUNT_OPERATIONS = "return document.querySelectorAll('.opblock').length"


@pytest.mark.parametrize("example", ["bookshop", "hello"])
def test_page_shows_every_operation(example: str, server: Server, browser: Browser) -> None:
    """The page renders the whole document, with every operation opened."""
    address = server(example)
    with urlopen(f"{address}/openapi.json", timeout=30) as response:
        document = json.load(response)
    browser.open(f"{address}/docs")
    assert browser.wait_for(COUNT_OPERATIONS) == sum(len(item) for item in document["paths"].values())
    browser.run("document.querySelectorAll('.opblock-summary-control').forEach(one => one.click())")
    assert browser.wait_for("return document.querySelectorAll('.responses-table').length")
    text = browser.run("return document.body.innerText")
    assert document["info"]["title"] in text
    assert "OAS 3.1" in text
    assert "Could not resolve reference" not in text


def test_page_asks_its_own_origin_only(server: Server, browser: Browser) -> None:
    """No request leaves the page's origin, and the browser reports no violation of its policy and no error."""
    address = server("bookshop")
    browser.open(f"{address}/docs")
    browser.wait_for(COUNT_OPERATIONS)
    browser.run("document.querySelectorAll('.opblock-summary-control').forEach(one => one.click())")
    browser.wait_for("return document.querySelectorAll('.responses-table').length")
    requested = browser.requested()
    assert f"{address}/openapi.json" in requested
    assert [url for url in requested if not url.startswith((f"{address}/", "data:"))] == []
    assert browser.log("browser") == []


def test_operation_can_be_tried_out(server: Server, browser: Browser) -> None:
    """The page calls the API that it stands in, and shows the answer."""
    browser.open(f"{server('bookshop')}/docs")
    browser.wait_for(COUNT_OPERATIONS)
    browser.run("document.querySelector('.opblock-get .opblock-summary-control').click()")
    for button in (".try-out__btn", ".execute"):
        browser.wait_for(f"return document.querySelector('{button}') !== null")
        browser.run(f"document.querySelector('{button}').click()")
    status = browser.wait_for(
        "return document.querySelector('.live-responses-table tbody .response-col_status')?.innerText"
    )
    assert status.startswith("200")
