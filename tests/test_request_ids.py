"""Request ids are random, and no two requests share one."""

from __future__ import annotations

import os
import re

from ramekin.request_ids import new_request_id


def test_no_two_requests_have_one_id() -> None:
    """Every id is of 32 hexadecimal digits, and no other's."""
    ids = [new_request_id() for _ in range(1_000)]

    assert len({*ids}) == 1_000
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)


def test_processes_do_not_share_ids() -> None:
    """What was made ready before a process became two is given out by one of them alone."""
    new_request_id()
    read_end, write_end = os.pipe()
    if not (process := os.fork()):
        os.write(write_end, new_request_id().encode())
        os._exit(0)
    os.waitpid(process, 0)
    ours = {new_request_id() for _ in range(200)}

    assert os.read(read_end, 32).decode() not in ours
    os.close(read_end)
    os.close(write_end)
