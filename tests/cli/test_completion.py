"""What the shell completes."""

import os
import subprocess
import sys

import pytest

CODE = "from orchestrator.cli.main import main; main()"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("dow", ["download"]), ("download --for", ["--format"]), ("connection ch", ["check"]), ("nothing-like-it", [])],
)
def test_commands_and_options_are_completed(typed: str, offered: list[str]) -> None:
    words = f"bulkhead {typed}"
    asked = {"_BULKHEAD_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}

    answer = subprocess.run(
        [sys.executable, "-c", CODE], env=os.environ | asked, capture_output=True, text=True, timeout=60
    )

    assert answer.stdout.split() == offered
