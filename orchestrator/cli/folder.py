"""A table and a folder of the files that its cells name as `#path`, as the zip that an upload takes."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from orchestrator.cli.desk import fail

TABLE = "request.txt"
LARGEST_FILE = 20_000_000  # bytes; Salesforce's most for a whole batch, unpacked
LONGEST_NAME = 512  # bytes of a path, Salesforce's most


@contextmanager
def zipped(table: Path, folder: Path) -> Iterator[Path]:
    """Write the zip into a file that is gone afterwards; memory stays flat. Ends the command where it cannot be sent.

    https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_bulkapi.htm
    """
    members = dict(_members(table, folder))
    with TemporaryDirectory(prefix="bulkhead-") as place:
        path = Path(place) / f"{table.stem}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as packed:
            packed.write(table, TABLE)
            for name, file in members.items():
                packed.write(file, name)
        yield path


def _members(table: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files below the folder by their paths in it; links are left out, for they may lead anywhere."""
    if not folder.is_dir():
        fail(f"there is no folder {folder}")
    for file in sorted(folder.rglob("*")):
        if file.is_symlink() or not file.is_file() or file.resolve() == table.resolve():
            continue
        name = file.relative_to(folder).as_posix()
        if name == TABLE:
            fail(f"{file} has the name that the table gets in the zip", "Give it another name.")
        if len(name.encode()) > LONGEST_NAME:
            fail(f"the path {name[:60]}… has more than {LONGEST_NAME} bytes", "Shorten it.")
        if (size := file.stat().st_size) > LARGEST_FILE:
            fail(f"{file} has {size:,} bytes, more than the {LARGEST_FILE:,} of a batch", "Leave it out.")
        yield name, file
