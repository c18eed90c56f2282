"""A real browser, driven by the W3C WebDriver protocol."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from tests.acceptance.conftest import find_tool

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
    "disable-features=BackForwardCache",  # A page that is left is gone, with its connections.
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
