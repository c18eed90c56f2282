"""Steps: their order, and the exchange that they work on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ramekin.errors import DeclarationError
from ramekin.steps import Phase, Step, order_steps


def step(name: str, phase: Phase = Phase.VALUE, after: tuple[str, ...] = ()) -> Step:
    """Return a step that does nothing."""
    return Step(phase=phase, name=name, after=after)


def names(*steps: Step) -> list[str]:
    """Return the names of steps in their order."""
    return [each.name for each in order_steps(steps, "getBook")]


def test_phases_come_first() -> None:
    """Steps stand by phase, and as given within one."""
    given = [step("d"), step("c", Phase.WIRE), step("e"), step("a", Phase.OUTER), step("b", Phase.ADMIT)]
    assert names(*given) == ["a", "b", "c", "d", "e"]


def test_after_puts_a_step_inside() -> None:
    """A step stands inside those that it names; what is not there does not count."""
    assert names(step("a", after=("b", "absent")), step("b", after=("c",)), step("c")) == ["c", "b", "a"]


def test_after_counts_within_one_phase() -> None:
    """A name in another phase changes nothing."""
    assert names(step("a", Phase.OUTER, after=("b",)), step("b")) == ["a", "b"]


def test_a_circle_is_refused() -> None:
    """Steps that wait for one another cannot be ordered; the message names them and the operation."""
    with pytest.raises(DeclarationError, match="getBook has steps that each wait for another: a, b"):
        names(step("a", after=("b",)), step("b", after=("a",)), step("c"))


def test_a_name_stands_once() -> None:
    """Two steps of one name are two of one feature."""
    with pytest.raises(DeclarationError, match="two steps named 'a'"):
        names(step("a", Phase.OUTER), step("a"))


@settings(max_examples=100)
@given(st.lists(st.tuples(st.sampled_from(Phase), st.sets(st.integers(0, 9))), max_size=10))
def test_every_order_obeys_phase_and_after(described: list[tuple[Phase, set[int]]]) -> None:
    """Whatever the steps: those in `after` of the same phase stand outside, and none is lost."""
    # Each waits for earlier ones only, so that there is no circle; they are given in reverse.
    given = [
        step(str(index), phase, tuple(str(other) for other in after if other < index))
        for index, (phase, after) in enumerate(described)
    ][::-1]
    ordered = order_steps(given, "x")
    assert sorted(ordered, key=lambda each: int(each.name)) == given[::-1]
    assert [each.phase for each in ordered] == sorted(each.phase for each in ordered)
    place = {each.name: number for number, each in enumerate(ordered)}
    by_name = {each.name: each for each in given}
    for each in ordered:
        assert all(place[other] < place[each.name] for other in each.after if by_name[other].phase is each.phase)
