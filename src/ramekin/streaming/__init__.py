"""Streams of items as declared results: server-sent events and JSON Lines.

The item's schema dumps each item, stands in the document, and is what the contract is checked by.

Specification: HTML Living Standard §9.2 (server-sent events); JSON Lines (jsonlines.org).
"""

from __future__ import annotations

from ramekin.streaming.declaration import Streams, streams
from ramekin.streaming.events import Event

__all__ = ["Event", "Streams", "streams"]
