"""Targets: how the command line names and finds an app."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ramekin.app import App
from ramekin.cli.errors import CommandError
from ramekin.cli.targets import choose_target, load_app, parse_target

Write = Callable[..., Path]

APP = "from ramekin import App\n"


def refusal(target: str | None) -> str:
    with pytest.raises(CommandError) as caught:
        load_app(target)
    return str(caught.value)


@pytest.mark.parametrize(
    "target",
    [
        "shop.py",
        "./shop.py",
        "shop.py:app",
        "shop",
        "shop:app",
        "shop:holder.app",
        "shop:create_app()",
        "shop:create_app",
    ],
)
def test_forms_of_a_target(write: Write, target: str) -> None:
    """An app is named by file or module, with or without the name of an app or factory."""
    write("shop.py", APP + "class holder: app = App('A')\napp = holder.app\ndef create_app(name='A'): return App(name)")

    assert load_app(target).info.title == "A"


def test_an_absolute_path(write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file elsewhere is imported with its own folder on the import path."""
    write("elsewhere/near.py", "title = 'Near'")
    file = write("elsewhere/far.py", APP + "import near\napp = App(near.title)")

    assert load_app(f"{file}:app").info.title == "Near"


def test_a_file_in_a_package(write: Write) -> None:
    """A file in a package is imported as a part of it, so that relative imports work."""
    write("pack/__init__.py", "")
    write("pack/names.py", "title = 'Inner'")
    write("pack/inner/__init__.py", APP + "from ..names import title\napp = App(title)")
    write("pack/inner/api.py", APP + "from ..names import title\napp = App(title + ' file')")

    assert load_app("pack/inner/api.py").info.title == "Inner file"
    assert load_app("pack/inner/__init__.py").info.title == "Inner"
    assert load_app("pack.inner").info.title == "Inner"


@pytest.mark.parametrize(
    ("program", "title"),
    [
        ("other = App('Other'); app = App('App')", "App"),
        ("service = App('Only')", "Only"),
        ("service = App('Twice'); alias = service", "Twice"),
        ("def create_app(): return App('Created')", "Created"),
        ("def make_app(): return App('Made')", "Made"),
        ("app = None\ndef make_app(): return App('Made')", "Made"),
    ],
)
def test_an_app_is_found_in_its_module(write: Write, program: str, title: str) -> None:
    """Without a name, ``app`` is taken, else the only App, else what a factory makes."""
    write("shop.py", APP + program)

    assert load_app("shop.py").info.title == title


def test_the_default_target(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a target the variable names the app, or else it is in ``app.py``."""
    assert "RAMEKIN_APP is not set, and there is no app.py in" in refusal(None)

    write("app.py", APP + "app = App('Default')")
    assert load_app(None).info.title == "Default"

    monkeypatch.setenv("RAMEKIN_APP", "shop.py:app")
    assert choose_target(None) == "shop.py:app"
    assert choose_target("given.py") == "given.py"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("shpo.py", "there is no file 'shpo.py'. Did you mean 'shop.py'?"),
        ("none/shop.py", "there is no file 'none/shop.py'."),
        ("shpo", "there is no module 'shpo' in {folder} or elsewhere on the import path. Did you mean 'shop'?"),
        ("none.shop", "there is no module 'none' in {folder} or elsewhere on the import path."),
        ("shop.none", "there is no module 'shop.none' in {folder} or elsewhere on the import path."),
        ("shop:", "'shop:' names nothing after its colon."),
        ("my shop", "'my shop' names no file and no module."),
        ("my-shop", "'my-shop' names no file and no module. The file is named 'my-shop.py'."),
        (":app", "':app' names no file and no module."),
        ("v1.0.py", "'v1.0.py' cannot be imported, because of the dot in its name."),
        ("shop:ap", "module 'shop' has nothing named 'ap'. Its apps: api, app. Did you mean 'app'?"),
        ("shop:create", "module 'shop' has nothing named 'create'. Its apps: api, app. Did you mean 'create_app'?"),
        ("empty:app", "module 'empty' has nothing named 'app'. It has no app of any name."),
        ("shop:number", "'number' in module 'shop' is no App: 3."),
        ("shop:app()", "'app' in module 'shop' is no factory: <App 'A' 0.1.0: 0 resources>."),
        ("shop:create_app", "'create_app()' in module 'shop' needs arguments (missing a required argument: 'name')."),
        ("shop:dict", "module 'shop' has nothing named 'dict'. Its apps: api, app."),
        ("shop:kind", "'kind()' in module 'shop' made no App but dict."),
        (
            "shop:create_app('x')",
            "'create_app('x')' is no name of an app; write 'module:name', or 'module:factory()' for a factory without…",
        ),
        ("two.py", "'two.py' has several apps; name one: 'two.py:a' or 'two.py:b'."),
        (
            "empty.py",
            "'empty.py' has no app: looked for an App by the name of 'app', then for any App, then for create_app()…",
        ),
    ],
)
def test_a_wrong_target_says_what_was_looked_for(write: Write, tmp_path: Path, target: str, message: str) -> None:
    """A target that names no app says what was looked for, what there is, and what may have been meant."""
    write("shop.py", APP + "app = App('A'); api = App('B'); number = 3; kind = dict\ndef create_app(name): ...")
    write("two.py", APP + "a = App('A'); b = App('B')")
    for name in ("empty.py", "my-shop.py", "v1.0.py"):
        write(name, "")

    expected = message.format(folder=tmp_path).replace("/", os.sep if "file" in message else "/")
    found = refusal(target)

    assert found.startswith(expected.removesuffix("…")) if expected.endswith("…") else found == expected


def test_a_file_of_a_taken_name(write: Write) -> None:
    """A file that another module hides is not mistaken for it."""
    write("json.py", APP + "app = App('A')")

    assert "'json' is the name of another module" in refusal("json.py")


@pytest.mark.parametrize(
    ("program", "line"),
    [
        ("import not_there", "No module named 'not_there'"),
        ("from ramekin import not_there", "cannot import name 'not_there'"),
        ("1 / 0", "ZeroDivisionError"),
        ("def f(:", "SyntaxError"),
    ],
)
def test_a_failing_program_shows_its_own_traceback(
    write: Write, capsys: pytest.CaptureFixture[str], program: str, line: str
) -> None:
    """What fails inside the program is shown by its own traceback, and not taken for a missing app."""
    write("shop.py", program)

    assert refusal("shop.py") == "'shop.py' could not be imported, see above."
    shown = capsys.readouterr().err
    assert line in shown
    assert "shop.py" in shown
    assert "targets.py" not in shown


def test_a_failing_factory_shows_its_own_traceback(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """What fails inside a factory is shown by its own traceback, TypeErrors too."""
    write("shop.py", "def create_app(): return len(3)")

    assert refusal("shop.py") == "'create_app()' in module 'shop' failed, see above."
    shown = capsys.readouterr().err
    assert "TypeError" in shown
    assert "targets.py" not in shown


def test_a_factory_without_a_signature(write: Write) -> None:
    """A callable whose signature cannot be read is called to see."""
    write("shop.py", "kind = type")

    assert "failed, see above" in refusal("shop.py:kind")


def test_the_colon_of_a_drive() -> None:
    """The colon of a drive letter does not end a path."""
    with pytest.raises(CommandError, match=r"there is no file 'C:[\\/]shop\.py'"):
        parse_target("C:\\shop.py" if os.sep == "\\" else "C:/shop.py")


def test_an_app_is_taken_as_it_is(write: Write) -> None:
    """The app of the module itself is returned, with what the module did to it."""
    write("shop.py", APP + "app = App('A')\nmine = app")

    app = load_app("shop:mine")

    assert isinstance(app, App)
    assert app is load_app("shop.py")
