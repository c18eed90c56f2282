"""The command line: `ramekin run`, `routes`, `openapi`, `check` and `shell`."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, BooleanOptionalAction, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib.metadata import version

from ramekin.cli.errors import CommandError

_TARGETS = """\
TARGET names the app:
  bookshop.py              a file; its app is found by itself
  shop/api.py:app          an app in a file, by name
  shop.api                 a module
  shop.api:create_app()    a factory in a module

Without it, the variable RAMEKIN_APP names the app, or else it is in app.py.
In a module without a name, the app is 'app', or its only App, or made by create_app() or make_app().
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: The arguments; those of the process when None.

    Returns:
        The exit status: 0 when done, 1 when a check found a difference, 2 when the command cannot be done.
    """
    options = _build_parser().parse_args(argv)
    try:
        return int(options.command(options))
    except CommandError as error:
        print(f"ramekin: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader, such as `head`, has had enough. Nothing may be flushed to it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _build_parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="ramekin",
        description="Serve and look into an API made with Ramekin.",
        epilog=_TARGETS,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ramekin {version('ramekin')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, summary: str, description: str) -> ArgumentParser:
        command = commands.add_parser(
            name, help=summary, description=description, epilog=_TARGETS, formatter_class=RawDescriptionHelpFormatter
        )
        command.add_argument("target", nargs="?", metavar="TARGET", help="the app (default: RAMEKIN_APP, or app.py)")
        return command

    _add_run(add("run", "serve the app for development", "Serve the app for development, on this machine only."))
    _add_routes(add("routes", "list the operations", "List the operations of the app."))
    _add_openapi(add("openapi", "write or check the OpenAPI document", "Write the OpenAPI document, or check a copy."))
    _add_check(add("check", "find what is likely wrong", "Look for mistakes in the app and its settings."))
    shell = add("shell", "open a Python with the app at hand", "Open a Python with app, site, client and url_for.")
    shell.set_defaults(command=_open_shell)
    return parser


def _add_run(parser: ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="the address to serve (default: %(default)s)")
    parser.add_argument("--port", default=8000, type=int, help="the port to serve (default: %(default)s)")
    parser.add_argument(
        "--debug", default=True, action=BooleanOptionalAction, help="show traces and the debugger (default: on)"
    )
    parser.add_argument(
        "--reload", default=True, action=BooleanOptionalAction, help="restart when a file changes (default: on)"
    )
    parser.add_argument("--asgi", action="store_true", help="serve by uvicorn, without the debugger")
    parser.set_defaults(command=_run_server)


def _add_routes(parser: ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="also those that the document leaves out")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    parser.set_defaults(command=_show_routes)


def _add_openapi(parser: ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--output", metavar="FILE", help="write to a file instead of the standard output")
    where.add_argument(
        "--check", metavar="FILE", help="compare a file with the code; the status is 1 where they differ"
    )
    parser.add_argument("--format", choices=["json", "yaml"], help="(default: by the file's suffix, or json)")
    parser.add_argument("--version", choices=["3.1", "3.0"], help="of OpenAPI (default: the app's setting)")
    parser.set_defaults(command=_show_document)


def _add_check(parser: ArgumentParser) -> None:
    parser.add_argument("--deploy", action="store_true", help="the settings are those of production: check them, too")
    parser.add_argument(
        "--fail-on",
        choices=["error", "warning"],
        default="error",
        help="the least finding for which the status is 1 (default: %(default)s)",
    )
    parser.add_argument("--ignore", metavar="ID", action="append", default=[], help="leave a check out; several times")
    parser.add_argument("--json", action="store_true", help="write the findings as JSON")
    about = parser.add_mutually_exclusive_group()
    about.add_argument("--list", action="store_true", help="list all checks instead")
    about.add_argument("--explain", metavar="ID", help="say what a check is about instead")
    parser.set_defaults(command=_show_checks)


# Each command's module is imported when the command is given.


def _run_server(options: Namespace) -> int:
    if options.asgi:
        from ramekin.cli.serving_asgi import run_asgi_server

        return run_asgi_server(options)
    from ramekin.cli.serving import run_server

    return run_server(options)


def _show_routes(options: Namespace) -> int:
    from ramekin.cli.routes import show_routes

    return show_routes(options)


def _show_document(options: Namespace) -> int:
    from ramekin.cli.documents import show_document

    return show_document(options)


def _show_checks(options: Namespace) -> int:
    from ramekin.cli.checks import show_checks

    return show_checks(options)


def _open_shell(options: Namespace) -> int:
    from ramekin.cli.shell import open_shell

    return open_shell(options)
