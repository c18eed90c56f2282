"""Targets: how the command line names an app, and how it is found.

A target is a file or a dotted module, with the name of an app or of a factory after a colon: ``bookshop.py``,
``shop/api.py:app``, ``shop.api``, ``shop.api:create_app()``.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ramekin.cli.errors import CommandError
from ramekin.errors import RamekinError

if TYPE_CHECKING:
    from ramekin.app import App
    from ramekin.settings import Settings
    from ramekin.sites import Site

DEFAULT_FILE = "app.py"
VARIABLE = "RAMEKIN_APP"
FACTORIES = ("create_app", "make_app")


@dataclass(frozen=True, slots=True)
class Target:
    """An app's place.

    Attributes:
        text: The target as it was given.
        module: The dotted name of its module.
        folder: The folder to import it from.
        file: Its file, where a file was given.
        attribute: The name of the app or factory in the module; empty where the module has to be searched.
    """

    text: str
    module: str
    folder: Path
    file: Path | None = None
    attribute: str = ""


def choose_target(given: str | None) -> str:
    """Return the target: what was given, else what the environment names, else ``app.py``.

    Raises:
        CommandError: There is none of them.
    """
    if given or (given := os.environ.get(VARIABLE)):
        return given
    if Path(DEFAULT_FILE).is_file():
        return DEFAULT_FILE
    raise CommandError(
        f"name the app, as in 'bookshop.py' or 'package.module:app': {VARIABLE} is not set, and there is no "
        f"{DEFAULT_FILE} in {Path.cwd()}."
    )


def parse_target(text: str) -> Target:
    """Read a target.

    Raises:
        CommandError: It names no file that exists, or is no name of a module.
    """
    place, attribute = _split(text)
    if place.endswith(".py") or "/" in place or os.sep in place:
        return _parse_file(text, Path(place), attribute)
    if not place or not all(part.isidentifier() for part in place.split(".")):
        hint = f" The file is named '{place}.py'." if Path(f"{place}.py").is_file() else ""
        raise CommandError(f"'{text}' names no file and no module.{hint}")
    return Target(text, place, Path.cwd(), attribute=attribute)


def _split(text: str) -> tuple[str, str]:
    place, colon, attribute = text.rpartition(":")
    # The colon of a drive letter does not end a path.
    if not colon or "/" in attribute or "\\" in attribute:
        return text, ""
    if not attribute:
        raise CommandError(f"'{text}' names nothing after its colon.")
    return place, attribute


def _parse_file(text: str, path: Path, attribute: str) -> Target:
    if not path.is_file():
        raise CommandError(f"there is no file '{path}'.{_suggest(path.name, _neighbours(path.parent))}")
    file = path.resolve()
    names = [file.stem] if file.name != "__init__.py" else []
    folder = file.parent
    while (folder / "__init__.py").is_file():
        names.append(folder.name)
        folder = folder.parent
    if any("." in name for name in names):
        raise CommandError(f"'{path}' cannot be imported, because of the dot in its name.")
    return Target(text, ".".join(reversed(names)), folder, file, attribute)


def _neighbours(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*.py")) if folder.is_dir() else []


def load_app(given: str | None) -> App:
    """Import the app that a target names, or call its factory.

    Raises:
        CommandError: There is no such app. What the app's own code raises is shown with its own traceback first.
    """
    target = parse_target(choose_target(given))
    return _find_app(target, _import_module(target))


def compile_app(app: App, settings: Settings | None = None) -> Site:
    """Compile an app.

    Raises:
        CommandError: Its declarations contradict one another.
    """
    try:
        return app.compile(settings)
    except RamekinError as error:
        raise CommandError(f"the app cannot be compiled: {error}") from error


def _import_module(target: Target) -> ModuleType:
    folder = str(target.folder)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        module = importlib.import_module(target.module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{target.module}.".startswith(f"{error.name}."):
            raise show_failure(error, f"'{target.text}' could not be imported, see above.") from error
        raise CommandError(_describe_missing(target, error.name)) from error
    except Exception as error:
        raise show_failure(error, f"'{target.text}' could not be imported, see above.") from error
    if target.file is not None and module.__file__ and not target.file.samefile(module.__file__):
        raise CommandError(
            f"'{target.text}' cannot be imported: '{target.module}' is the name of another module, "
            f"{module.__file__}. Rename the file."
        )
    return module


def _describe_missing(target: Target, missing: str) -> str:
    stem = missing.rpartition(".")[2]
    names = [Path(name).stem for name in _neighbours(target.folder)]
    hint = f" The file is named '{stem}.py'." if stem in names else _suggest(stem, names)
    return f"there is no module '{missing}' in {target.folder} or elsewhere on the import path.{hint}"


def show_failure(error: BaseException, message: str) -> CommandError:
    """Print the traceback of what the app's own code raised, and return what ends the command."""
    frames = error.__traceback__
    while frames is not None and _is_machinery(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    traceback.print_exception(type(error), error.with_traceback(frames), frames)
    return CommandError(message)


def _is_machinery(filename: str) -> bool:
    return filename.startswith((str(Path(__file__).parent), "<frozen importlib", str(Path(importlib.__file__).parent)))


def _find_app(target: Target, module: ModuleType) -> App:
    from ramekin.app import App

    apps = {name: value for name, value in vars(module).items() if isinstance(value, App)}
    if target.attribute:
        return _take_app(target, _read_attribute(target, module, apps), target.attribute.removesuffix("()"))
    if "app" in apps:
        return apps["app"]
    if len(set(map(id, apps.values()))) == 1:
        return next(iter(apps.values()))
    if apps:
        raise CommandError(
            f"'{target.text}' has several apps; name one: "
            + " or ".join(f"'{target.text}:{name}'" for name in sorted(apps))
            + "."
        )
    for name in FACTORIES:
        if callable(factory := getattr(module, name, None)):
            return _take_app(target, factory, name)
    raise CommandError(
        f"'{target.text}' has no app: looked for an App by the name of 'app', then for any App, then for "
        f"{' or '.join(f'{name}()' for name in FACTORIES)}. Name it, as in '{target.text}:NAME'."
    )


def _read_attribute(target: Target, module: ModuleType, apps: dict[str, App]) -> Any:
    value: Any = module
    for name in target.attribute.removesuffix("()").split("."):
        if not name.isidentifier():
            raise CommandError(
                f"'{target.attribute}' is no name of an app; write 'module:name', or 'module:factory()' for a "
                "factory without arguments."
            )
        try:
            value = getattr(value, name)
        except AttributeError:
            found = f"Its apps: {', '.join(sorted(apps))}." if apps else "It has no app of any name."
            public = [item for item, other in vars(module).items() if callable(other) and not item.startswith("_")]
            raise CommandError(
                f"module '{target.module}' has nothing named '{name}'. {found}{_suggest(name, [*apps, *public])}"
            ) from None
    return value


def _take_app(target: Target, value: Any, name: str) -> App:
    """Return an app as it is, or what a factory makes."""
    from ramekin.app import App

    called = target.attribute.endswith("()")
    if isinstance(value, App) and not called:
        return value
    if isinstance(value, App) or not callable(value):
        raise CommandError(f"'{name}' in module '{target.module}' is no {'factory' if called else 'App'}: {value!r}.")
    try:
        inspect.signature(value).bind()
    except TypeError as error:
        raise CommandError(f"'{name}()' in module '{target.module}' needs arguments ({error}).") from None
    except ValueError:
        pass  # A callable without a signature is called to see.
    try:
        made = value()
    except Exception as error:
        raise show_failure(error, f"'{name}()' in module '{target.module}' failed, see above.") from error
    if not isinstance(made, App):
        raise CommandError(f"'{name}()' in module '{target.module}' made no App but {type(made).__name__}.")
    return made


def _suggest(name: str, names: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, names, n=1)
    return f" Did you mean '{close[0]}'?" if close else ""
