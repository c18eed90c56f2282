"""The public surface: what `ramekin` exports."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import ramekin

NAMES = [pytest.param(getattr(ramekin, name), id=name) for name in ramekin.__all__]


def test_names_are_sorted() -> None:
    """The public names stand in alphabetical order, each once."""
    assert list(ramekin.__all__) == sorted(set(ramekin.__all__))


@pytest.mark.parametrize("value", NAMES)
def test_names_are_documented(value: Any) -> None:
    """Every public class and function has a docstring of its own."""
    if inspect.isclass(value):
        assert value.__dict__.get("__doc__")
    elif callable(value):
        assert inspect.getdoc(value)


@pytest.mark.parametrize("value", NAMES)
def test_methods_are_documented(value: Any) -> None:
    """Every public method of a public class has a docstring, its own or an inherited one."""
    if not inspect.isclass(value):
        return
    methods = [
        name
        for name, member in inspect.getmembers(value)
        if not name.startswith("_") and (inspect.isroutine(member) or isinstance(member, property))
    ]

    undocumented = [name for name in methods if not inspect.getdoc(getattr(value, name))]

    assert undocumented == []
