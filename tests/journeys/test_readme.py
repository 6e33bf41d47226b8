"""The README's commands work as they stand."""

import os
import re
import subprocess
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


@pytest.mark.journey
def test_the_lines_for_the_first_job_work_as_pasted(up, tmp_path):
    _, start, lines = BLOCK.findall(README.read_text())
    script = lines.replace("http://127.0.0.1:8080", up.told["url"]).replace("http://127.0.0.1:9000", up.told["sandbox"])
    (tmp_path / "bulk").symlink_to(up.home)

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert "up --home bulk --sandbox" in start
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "items.csv").read_text().count("\n") == 25_001
    assert '"email_address is invalid"' in done.stdout
