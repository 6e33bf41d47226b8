"""Nothing is left behind, whatever ends the supervisor."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from orchestrator.embedded.processes import Part, supervised
from tests.servers import eventually

PATIENCE = timedelta(seconds=20)
SLEEP = ("sleep", "600")
DEAF = "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); signal.pause()"
STUBBORN = (sys.executable, "-c", DEAF)
PARENT = """
import os, sys, time
from datetime import timedelta
from pathlib import Path
from orchestrator.embedded.processes import Part, supervised

with supervised(Path(sys.argv[1]), grace=timedelta(seconds=1)) as supervisor:
    for name in ("one", "two"):
        supervisor.start(Part(name=name, command=("sleep", "600"), environment=dict(os.environ)))
        print(supervisor.pid(name), flush=True)
    supervisor.look_until(lambda: False)
"""


def a_part(*command: str, name: str = "one", end_round: int = 0) -> Part:
    return Part(name=name, command=command, environment=dict(os.environ), end_round=end_round)


def lives(pid: int) -> bool:
    """Zombies are dead: nobody may reap the orphans of a test in a container."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_process_that_dies_is_started_again(tmp_path):
    with supervised(tmp_path) as supervisor:
        supervisor.start(a_part(*SLEEP))
        first = supervisor.pid("one")
        os.kill(first, signal.SIGKILL)
        again = supervisor.look_until(lambda: supervisor.pid("one") != first, PATIENCE)

    assert again


def test_a_process_that_keeps_dying_is_started_ever_more_slowly(tmp_path):
    with supervised(tmp_path) as supervisor:
        supervisor.start(a_part("false"))
        began = time.monotonic()
        supervisor.look_until(lambda: dict(supervisor.deaths())["one"] == 3, PATIENCE)
        took = time.monotonic() - began

    assert took >= 0.5 + 1.0


def test_what_a_process_prints_is_in_its_log(tmp_path):
    with supervised(tmp_path) as supervisor:
        supervisor.start(a_part("echo", "hello"))
        supervisor.look_until(lambda: "hello" in supervisor.log_of("one").read_text(), PATIENCE)

    assert (tmp_path / "one.log").read_text().startswith("hello\n")


def test_a_stop_ends_everything_even_what_ignores_the_polite_signal(tmp_path):
    with supervised(tmp_path, grace=timedelta(seconds=1)) as supervisor:
        supervisor.start(a_part(*STUBBORN))
        supervisor.start(a_part(*SLEEP, name="two", end_round=1))
        supervisor.look_until(lambda: "up" in supervisor.log_of("one").read_text(), PATIENCE)
        pids = [supervisor.pid("one"), supervisor.pid("two")]

    assert not any(map(lives, pids))


def test_no_process_outlives_a_supervisor_that_was_killed(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = [int(parent.stdout.readline()) for _ in range(2)]
    assert all(map(lives, pids))

    parent.kill()
    parent.wait()
    parent.stdout.close()

    eventually(lambda: not any(map(lives, pids)))


def test_a_killed_guardian_is_replaced_and_knows_what_the_first_one_knew(tmp_path):
    with supervised(tmp_path, grace=timedelta(seconds=1)) as supervisor:
        supervisor.start(a_part(*SLEEP))
        pid, first = supervisor.pid("one"), supervisor.guardian_pid
        os.kill(first, signal.SIGKILL)
        replaced = supervisor.look_until(lambda: supervisor.guardian_pid != first, PATIENCE)

    assert replaced
    assert not lives(pid)
