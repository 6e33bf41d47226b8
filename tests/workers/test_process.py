"""One runtime for each worker process."""

import logging
from concurrent.futures import ThreadPoolExecutor

from workers.logs import EventFormatter
from workers.process import Process


def test_any_number_of_threads_get_the_same_runtime():
    process = Process()

    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda _: process.runtime(), range(64)))

    assert len(set(map(id, got))) == 1
    process.close()


def test_a_closed_process_makes_a_new_runtime_at_the_next_use():
    process = Process()
    first = process.runtime()

    process.close()

    assert process.runtime() is not first
    process.close()


def test_a_stop_before_the_first_use_is_harmless():
    process = Process()

    process.stop()
    process.close()


def test_a_log_line_ends_with_the_facts_of_its_event():
    record = logging.makeLogRecord({"name": "turn", "levelname": "INFO", "msg": "turn.ended", "step": 7, "epoch": 2})

    line = EventFormatter().format(record)

    assert line.endswith("INFO turn turn.ended step=7 epoch=2")
