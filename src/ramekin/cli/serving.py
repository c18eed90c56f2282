"""`ramekin run`: Werkzeug's development server, with its reloader and debugger."""

from __future__ import annotations

import io
import logging
import socket
import sys
import threading
import traceback
from argparse import Namespace
from collections.abc import Iterable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from ramekin.cli.errors import CommandError
from ramekin.cli.targets import Target, choose_target, compile_app, load_app, parse_target

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from ramekin.app import App
    from ramekin.sites import Site

# The width to which a method is filled, so that paths stand below one another.
METHOD_WIDTH = 6
COLOURS = {2: "32", 3: "36", 4: "33", 5: "31"}


def run_server(options: Namespace) -> int:
    """Serve the app for development until it is interrupted."""
    from werkzeug.serving import is_running_from_reloader

    check_address(options.host, options.port, debug=options.debug)
    target = parse_target(choose_target(options.target))
    restarted = is_running_from_reloader()
    application: WSGIApplication
    try:
        app, site = load(options)
    except CommandError as error:
        # After a change, a program that does not load waits for the next change; it does not end the server.
        if not restarted:
            raise
        print(f"ramekin: {error}", file=sys.stderr)
        application = Unloadable(error, show=options.debug)
    else:
        show_access()
        application = _add_debugger(app, options.host) if options.debug else app
        if not restarted:
            check_port(options.host, options.port)
            announce(app, site, application, options)
    _serve(application, target, options)
    return 0


def load(options: Namespace) -> tuple[App, Site]:
    """Return the app of the options and its site, in debug mode as they say.

    Raises:
        CommandError: It does not load.
    """
    app = load_app(options.target)
    app.settings = app.settings.changed(debug=options.debug)
    site = compile_app(app)
    if site.settings.debug != options.debug:
        print(
            "ramekin: the app was compiled where it is defined, so its own settings decide about debug mode.",
            file=sys.stderr,
        )
    return app, site


def check_address(host: str, port: int, *, debug: bool) -> None:
    """Refuse addresses that cannot be or must not be served.

    Raises:
        CommandError: The port is none, the host has no address, or the debugger would be reachable from elsewhere.
    """
    if not 1 <= port <= 65_535:
        raise CommandError(f"a port is a number from 1 to 65535, not {port}.")
    if host.startswith("unix:"):
        raise CommandError("the development server serves a host and port, no socket in the file system.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise CommandError(f"the host '{host}' has no address here.") from None
    # Whoever reaches the debugger can, with its PIN, run any code on this machine, and is shown traces without it.
    if debug and not all(ip_address(address[4][0]).is_loopback for address in found):
        raise CommandError(
            f"debug mode would show traces to whoever reaches '{host}', and offer to run code, so it serves this "
            "machine only. Take --host 127.0.0.1, or --no-debug."
        )


def check_port(host: str, port: int) -> None:
    """Refuse a port that cannot be had.

    Raises:
        CommandError: It is in use, or not for this user.
    """
    # The server's own choice: a name such as localhost is served at its IPv4 address.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the server does: without it a port would seem in use for a minute after the last run (Windows needs none).
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, sys.platform != "win32")
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"port {port} of {host} cannot be served: {(error.strerror or str(error)).lower()}. "
                "Another program may have it; take another with --port."
            ) from error


def _add_debugger(app: WSGIApplication, host: str) -> WSGIApplication:
    from werkzeug.debug import DebuggedApplication

    debugged = DebuggedApplication(_log_once(app), evalex=True, pin_logging=False)
    # The debugger answers to these names only, so that a page elsewhere cannot reach it by a name of its own.
    debugged.trusted_hosts = [".localhost", "127.0.0.1", "[::1]", host]
    return debugged


def _log_once(app: WSGIApplication) -> WSGIApplication:
    """Keep the debugger from writing a trace that the app has logged already."""
    seen = threading.local()

    def note(record: logging.LogRecord) -> bool:
        seen.error = record.exc_info[1] if record.exc_info else None
        return True

    def run(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return app(environ, start_response)
        except Exception as error:
            if error is getattr(seen, "error", None):
                environ["wsgi.errors"] = io.StringIO()
            raise
        finally:
            seen.error = None

    logging.getLogger("ramekin.error").addFilter(note)
    return run


def announce(app: App, site: Site, application: Any, options: Namespace) -> None:
    """Say what is served and where."""
    root = f"http://{f'[{options.host}]' if ':' in options.host else options.host}:{options.port}"
    lines = [f"{app.info.title} {app.info.version} runs at {root}/"]
    if site.settings.docs_path is not None:
        lines.append(f"  docs       {root}{site.settings.docs_path}")
    if site.settings.openapi_path is not None:
        lines.append(f"  document   {root}{site.settings.openapi_path}")
    if options.debug:
        lines.append(f"  debugger   PIN {application.pin or 'switched off'}")
    lines.append(f"For development only{'; restarts on changes' if options.reload else ''}. Ctrl+C stops it.")
    print("\n".join(lines), file=sys.stderr, flush=True)


def _serve(application: WSGIApplication, target: Target, options: Namespace) -> None:
    from werkzeug.serving import run_simple

    # Its own greeting says what ours does, and its access lines are the logger's.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    run_simple(
        options.host,
        options.port,
        application,
        use_reloader=options.reload,
        threaded=True,
        request_handler=_quiet_handler(),
        extra_files=[str(target.file)] if target.file else None,
    )


def _quiet_handler() -> type[Any]:
    from werkzeug.serving import WSGIRequestHandler

    class QuietHandler(WSGIRequestHandler):
        """Leaves the access log to the app."""

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    return QuietHandler


class Unloadable:
    """What is served in place of an app whose program does not load: the reason, to be mended.

    Attributes:
        body: The reason, as text.
    """

    def __init__(self, error: CommandError, *, show: bool) -> None:
        cause = error.__cause__
        trace = "".join(traceback.format_exception(cause)) if show and cause is not None else ""
        self.body = f"{error}\n\n{trace}".encode(errors="backslashreplace")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the reason."""
        length = str(len(self.body))
        start_response(
            "500 Internal Server Error", [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", length)]
        )
        return [self.body]


class AccessFormatter(logging.Formatter):
    """Writes an access record as one line: time, status, method, path, bytes, duration, operation."""

    def __init__(self, *, colour: bool) -> None:
        super().__init__(datefmt="%H:%M:%S")
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        said: Any = record.__dict__
        status = str(said["status"])
        if self._colour:
            status = f"\x1b[{COLOURS.get(said['status'] // 100, '0')}m{status}\x1b[0m"
        # What a client sends could move a terminal's cursor.
        path = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in said["path"])
        line = (
            f"{self.formatTime(record, self.datefmt)}  {status}  {said['method'].ljust(METHOD_WIDTH)}  {path}  "
            f"{said['bytes']} B  {said['duration'] * 1000:.1f} ms"
        )
        return f"{line}  {said['operation']}" if said["operation"] else line


def show_access() -> None:
    """Show the access log, unless the app's program has said where it goes."""
    logger = logging.getLogger("ramekin.access")
    if logger.hasHandlers():
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(AccessFormatter(colour=sys.stderr.isatty()))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
