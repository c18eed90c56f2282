"""The docs page in a real browser: it shows the operations, and asks nobody but its own origin."""

from __future__ import annotations

import json
import secrets
from urllib.request import urlopen

import pytest
from tests.acceptance import browsers
from tests.acceptance.browsers import Browser
from tests.acceptance.conftest import Credentials, Server

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


#: Fills in a field that the page watches.
FILL = """
const field = document.querySelector({selector!r});
const kind = field instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(field, {text!r});
field.dispatchEvent(new Event("input", {{bubbles: true}}));
return true;
"""


def try_operation(browser: Browser, operation_id: str, body: str | None = None) -> tuple[str, str]:
    """Open an operation, send it, and return the status and content that the page shows."""
    block = f"[id$={operation_id}]"
    browser.run(f"document.querySelector('{block} .opblock-summary-control').click()")
    click(browser, f"{block} .try-out__btn")
    if body is not None:
        browser.wait_for(f"return document.querySelector('{block} textarea')")
        browser.run(FILL.format(selector=f"{block} textarea", text=body))
    click(browser, f"{block} .execute")
    shown = f"document.querySelector('{block} .live-responses-table tbody"
    status = browser.wait_for(f"return {shown} .response-col_status')?.innerText")
    return status.split()[0], browser.run(f"return {shown} .response-col_description')?.innerText")


def click(browser: Browser, selector: str) -> None:
    browser.wait_for(f"return document.querySelector('{selector}') !== null")
    browser.run(f"document.querySelector('{selector}').click()")


@pytest.fixture
def docs(server: Server, browser: Browser) -> Browser:
    """A browser that shows the bookshop's page."""
    browser.open(f"{server('bookshop')}/docs")
    browser.wait_for(COUNT_OPERATIONS)
    return browser


def test_somebody_logs_in_on_the_page(docs: Browser) -> None:
    """Whoever registers and logs in on the page has a session there, with which guarded operations can be tried."""
    account = json.dumps({"name": f"ada-{secrets.token_hex(8)}", "password": "correct horse battery staple"})

    assert try_operation(docs, "postAccounts", account)[0] == "201"
    assert try_operation(docs, "getOrders")[0] == "401"
    assert try_operation(docs, "postLogin", account)[0] == "200"
    status, shown = try_operation(docs, "getLogin")

    assert status == "200"
    assert '"role": "customer"' in shown


def test_token_is_given_to_the_page(docs: Browser, credentials: Credentials) -> None:
    """The page takes a token, and sends it with each operation that wants one."""
    click(docs, ".authorize")
    field = "#auth-bearer-value"
    docs.wait_for(f"return document.querySelector('{field}')")
    docs.run(FILL.format(selector=field, text=credentials.token))
    docs.run("document.querySelector('#auth-bearer-value').closest('form').querySelector('.authorize').click()")
    click(docs, ".close-modal")

    status, shown = try_operation(docs, "postBooks", json.dumps({"title": "Kalevala", "author": "Elias Lönnrot"}))

    assert status == "201"
    assert '"title": "Kalevala"' in shown
