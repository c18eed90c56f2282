"""When heartbeats are due."""

from __future__ import annotations

from ramekin.streaming.pacing import Pacer


def test_heartbeats_come_in_pairs() -> None:
    """The first comes soon, so that the head goes out; each is followed by another, then there is silence."""
    now = [0.0]
    pacer = Pacer(15, clock=lambda: now[0])
    waits = []
    for _ in range(5):
        waits.append(pacer.left)
        now[0] += pacer.left
        pacer.note_heartbeat()
    assert waits == [0.5, 1, 15, 1, 15]


def test_an_item_puts_the_next_heartbeat_off() -> None:
    """After an item the stream may be silent for as long as is stated."""
    now = [0.0]
    pacer = Pacer(15, clock=lambda: now[0])
    pacer.note_heartbeat()
    now[0] = 20
    assert pacer.left == 0
    pacer.note_item()
    assert pacer.left == 15


def test_fast_heartbeats_stay_fast() -> None:
    """Nothing is waited for longer than the stated silence."""
    pacer = Pacer(0.25, clock=lambda: 0)
    assert pacer.left == 0.25
    pacer.note_heartbeat()
    assert pacer.left == 0.25
