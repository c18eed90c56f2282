"""`ramekin shell`: Python with the app at hand."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from ramekin.cli.targets import compile_app, load_app

if TYPE_CHECKING:
    from ramekin.app import App
    from ramekin.resources import Resource
    from ramekin.sites import Site


def open_shell(options: Namespace) -> int:
    """Run an interactive Python, or the code on the standard input where that is no terminal."""
    import code

    app = load_app(options.target)
    namespace = _namespace(app, compile_app(app))
    if not sys.stdin.isatty():
        # Code on the standard input is what its writer wants to run.
        exec(compile(sys.stdin.read(), "<stdin>", "exec"), namespace)  # noqa: S102
        return 0
    _complete_names(namespace)
    names = ", ".join(name for name in namespace if not name.startswith("__"))
    code.interact(
        f"Python {sys.version.split()[0]} with {app.info.title} {app.info.version}: {names}",
        local=namespace,
        exitmsg="",
    )
    return 0


def _namespace(app: App, site: Site) -> dict[str, Any]:
    from ramekin.testing import Client

    client = Client(app)

    def url_for(resource: type[Resource] | str, /, **values: Any) -> str:
        """Return the path of a resource."""
        return site.build_path("", resource, values)

    return {"__name__": "__console__", "app": app, "site": site, "client": client, "url_for": url_for}


def _complete_names(namespace: dict[str, Any]) -> None:
    try:
        import readline
        import rlcompleter
    except ImportError:
        return  # Not on every platform.
    readline.set_completer(rlcompleter.Completer(namespace).complete)
    readline.parse_and_bind("tab: complete")
