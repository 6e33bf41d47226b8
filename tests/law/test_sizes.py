"""How large things may be, and what is never left lying around."""

import ast
import re
from collections.abc import Iterable
from itertools import pairwise
from statistics import median

from tests.law.source import Module, at, modules, obeyed

LONGEST_MODULE = 300  # lines
LONGEST_FUNCTION = 40  # lines
MEDIAN_FUNCTION = 8
EVERYWHERE = ("orchestrator", "workers", "tests", "deploy")

UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b|NotImplemented" r"Error")
UNSEEN = re.compile(r"pragma:\s*no (cover|branch)")
BARE_IGNORE = re.compile(r"#\s*type:\s*ignore(?!\[)|#\s*noqa(?!:)")


def test_no_module_is_longer_than_three_hundred_lines():
    long = [
        f"{module.path} has {len(module.lines)}"
        for module in modules(*EVERYWHERE)
        if len(module.lines) > LONGEST_MODULE
    ]

    obeyed(f"A module has at most {LONGEST_MODULE} lines; split it by what it knows", long)


def test_no_function_is_longer_than_forty_lines():
    long = [
        at(module, function, f"{function.name} has {length}")
        for module in modules(*EVERYWHERE)
        for function in module.functions()
        if (length := _length(function)) > LONGEST_FUNCTION
    ]

    obeyed(f"A function has at most {LONGEST_FUNCTION} lines", long)


def test_functions_are_short_as_a_rule():
    lengths = [_length(function) for module in modules() for function in module.functions()]

    middle = median(lengths)

    assert middle <= MEDIAN_FUNCTION


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_nothing_is_left_for_later():
    left = [
        f"{module.path}:{number} {found.group()}"
        for module in modules(*EVERYWHERE)
        for number, line in enumerate(module.lines, 1)
        for pattern in (UNFINISHED, UNSEEN, BARE_IGNORE)
        if (found := pattern.search(line))
    ]

    obeyed("What is not there is not promised, and what a tool says is answered by its code", left)


def test_every_module_says_why_it_exists():
    silent = [
        module.path
        for module in modules()
        if module.text.strip() and not (ast.get_docstring(module.tree) or "").strip()
    ]

    obeyed("A module's docstring says why it exists", silent)


def test_no_test_is_skipped_but_for_a_missing_server():
    skipped = [
        f"{module.path}:{number}"
        for module in modules("tests")
        if module.path not in {"tests/servers.py", "tests/law/test_sizes.py"}
        for number, line in enumerate(module.lines, 1)
        if re.search(r"pytest\.(skip|xfail|importorskip)\b|mark\.(skip|skipif|xfail)\b", line)
    ]

    obeyed("A test runs; tests/servers.py alone skips, and only where CI is not set", skipped)


def test_nothing_is_mocked():
    mocked = [
        f"{module.path} imports {name}"
        for module in modules("tests")
        for name in module.imports()
        if name.startswith(("unittest.mock", "mock", "pytest_mock", "responses", "respx", "fakeredis"))
    ]

    obeyed("Servers are real, or twins of real ones", mocked)


def test_test_functions_have_three_paragraphs_at_most():
    crowded = [
        at(module, function, f"{function.name} has {count} paragraphs")
        for module in modules("tests")
        for function in module.functions()
        if function.name.startswith("test_") and (count := _paragraphs(module, function)) > 3
    ]

    obeyed("Given, when, then", crowded)


def _paragraphs(module: Module, function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first, last = function.body[0].lineno, function.end_lineno or function.lineno
    helpers = _inside(each for each in ast.walk(function) if isinstance(each, ast.FunctionDef) and each is not function)
    texts = _inside(
        each for each in ast.walk(function) if isinstance(each, ast.Constant) and isinstance(each.value, str)
    )
    lines = [
        "" if number in helpers else "text" if number in texts else module.lines[number - 1]
        for number in range(first, last + 1)
    ]
    begins = [line for before, line in pairwise(["", *lines]) if line and not before]
    return sum(not line.startswith(" " * (function.body[0].col_offset + 1)) for line in begins)


def _inside(nodes: Iterable[ast.FunctionDef | ast.Constant]) -> set[int]:
    return {number for node in nodes for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
