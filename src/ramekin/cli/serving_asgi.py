"""`ramekin run --asgi`: uvicorn, with its reloader, for apps whose streams and WebSockets need an event loop."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from ramekin.cli.errors import CommandError
from ramekin.cli.serving import Unloadable, announce, check_address, check_port, load, show_access
from ramekin.cli.targets import VARIABLE, choose_target, parse_target

if TYPE_CHECKING:
    from ramekin.types import ASGIApplication, Receive, Scope, Send


def run_asgi_server(options: Namespace) -> int:
    """Serve the app for development until it is interrupted, without a debugger.

    Raises:
        CommandError: uvicorn is not installed, the address cannot be served, or the app does not load.
    """
    try:
        import uvicorn
    except ImportError:
        raise CommandError("--asgi needs uvicorn: pip install 'ramekin[asgi]'.") from None
    options.debug = False  # No debugger speaks ASGI: a bug is answered by a problem, its trace stands in the log.
    check_address(options.host, options.port, debug=False)
    target = parse_target(choose_target(options.target))
    app, site = load(options)
    check_port(options.host, options.port)
    announce(app, site, None, options)
    given: dict[str, Any] = {"host": options.host, "port": options.port, "log_level": "warning", "access_log": False}
    if options.reload:
        os.environ[VARIABLE] = target.text  # It is loaded by processes that begin anew.
        folders = [str(target.folder)]
        uvicorn.run(f"{__name__}:create_app", factory=True, reload=True, reload_dirs=folders, **given)
    else:
        show_access()
        uvicorn.run(app.asgi, **given)
    return 0


def create_app() -> ASGIApplication:
    """Return the app that the environment names, or what says that it does not load."""
    try:
        app, _ = load(Namespace(target=None, debug=False))
    except CommandError as error:
        print(f"ramekin: {error}", file=sys.stderr)
        return _serve_reason(Unloadable(error, show=True).body)
    show_access()
    return app.asgi


def _serve_reason(body: bytes) -> ASGIApplication:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 500, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        else:
            raise RuntimeError("The app does not load.")

    return serve
