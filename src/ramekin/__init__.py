"""Ramekin: a micro-framework for JSON APIs, in which one declaration serves, documents and checks."""

from __future__ import annotations

from ramekin.app import App
from ramekin.declarations import accepts, describe, limits, raises, returns
from ramekin.limits import Limits
from ramekin.requests import Request
from ramekin.resources import Resource
from ramekin.responses import Reply
from ramekin.settings import Settings

__all__ = [
    "App",
    "Limits",
    "Reply",
    "Request",
    "Resource",
    "Settings",
    "accepts",
    "describe",
    "limits",
    "raises",
    "returns",
]
