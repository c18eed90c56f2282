"""The docs page in a real browser: it shows the operations, and asks nobody but its own origin."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from tests.acceptance.conftest import Credentials, Server, find_tool

#: How long a page may take to show something, in seconds.
SHOW_SECONDS = 30

_SWITCHES = [
    "headless",
    "no-sandbox",
    "disable-gpu",
    "disable-quic",
    "no-first-run",
    "disable-background-networking",
    "disable-component-update",
    "disable-sync",
    "disable-dev-shm-usage",
    "window-size=1300,1600",
]

_STARTED = re.compile(r"started successfully on port (\d+)")


class Browser:
    """A session of chromium, driven by the W3C WebDriver protocol."""

    def __init__(self, driver: str, profile: Path) -> None:
        arguments = [f"--{switch}" for switch in (*_SWITCHES, f"user-data-dir={profile}")]
        options = {
            "goog:chromeOptions": {"binary": find_tool("chromium"), "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        self._url = f"{driver}/session"
        self._url += "/" + self._ask("POST", "", {"capabilities": {"alwaysMatch": options}})["sessionId"]

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = Request(self._url + path, data, {"Content-Type": "application/json"}, method=method)
        with urlopen(request, timeout=60) as response:
            return json.load(response)["value"]

    def open(self, url: str) -> None:
        """Go to a page, with the log of requests emptied before."""
        self.log("performance")
        self.log("browser")
        self._ask("POST", "/url", {"url": url})

    def run(self, script: str) -> Any:
        """Return what a script returns in the page."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": []})

    def log(self, kind: str) -> list[dict[str, Any]]:
        """Return what was logged since the last time."""
        entries: list[dict[str, Any]] = self._ask("POST", "/se/log", {"type": kind})
        return entries

    def requested(self) -> list[str]:
        """Return the URLs that the page asked for; those of the browser's own start page are not of the page."""
        messages = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        urls = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
        return [url for url in urls if not url.startswith(("chrome:", "chrome-untrusted:"))]

    def wait_for(self, script: str) -> Any:
        """Return what a script returns as soon as that is something."""
        end = time.monotonic() + SHOW_SECONDS
        while time.monotonic() < end:
            found = self.run(script)
            if found:
                return found
        return pytest.fail(f"Nothing came of: {script}")

    def quit(self) -> None:
        """End the session."""
        self._ask("DELETE", "")


def _start_driver(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """Start chromedriver on a port of its choice."""
    log = folder / "driver.log"
    command = [find_tool("chromedriver"), "--port=0", f"--log-path={log}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    if process.stdout is None:
        raise RuntimeError("the driver has no standard output")
    for line in process.stdout:
        found = _STARTED.search(line)
        if found:
            return process, f"http://127.0.0.1:{found[1]}"
    raise RuntimeError("the driver ended before it listened")


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """A fresh browser."""
    find_tool("chromium")
    process, address = _start_driver(tmp_path)
    try:
        session = Browser(address, tmp_path / "profile")
        yield session
        session.quit()
    finally:
        process.terminate()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


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
