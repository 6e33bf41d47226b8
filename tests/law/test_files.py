"""What the repository says of the world outside: nothing of the machine it was written on."""

import re

from tests.law.source import files, obeyed

SELF = "tests/law/test_files.py"
MACHINE = re.compile(r"(?<![\w.$}:/-])/(?:work|root|Users|home/[a-z]\w*|tmp/bh)(?:/|\b(?=[\s\"'`)]))")
INDEX = re.compile(r"pypi\.(?:org|python)|pythonhosted|--(?:extra-)?index-url|--find-links|devpi|artifactory", re.I)
SECRET = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/]{40}|AKIA[0-9A-Z]{16}|ghp_[A-Za-z0-9]{36}")


def test_no_file_names_a_folder_of_one_machine():
    named = [f"{name}:{number}" for name, number in _lines(MACHINE)]

    obeyed("The repository works from any folder", named)


def test_no_file_names_a_package_index():
    named = [f"{name}:{number}" for name, number in _lines(INDEX)]

    obeyed("Where packages come from is decided where they are installed", named)


def test_no_file_holds_a_key():
    holding = [name for name, text in files().items() if name != SELF and SECRET.search(text)]

    obeyed("Keys are made where they are used", holding)


def _lines(pattern: re.Pattern[str]) -> list[tuple[str, int]]:
    return [
        (name, number)
        for name, text in files().items()
        if name != SELF and pattern.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
