"""The source as the laws see it: every module once, parsed once."""

import ast
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
OURS = ("orchestrator", "workers")


@dataclass(frozen=True, kw_only=True)
class Module:
    """One Python file; `path` is relative to the repository."""

    path: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> Sequence[str]:
        """The file's lines."""
        return self.text.splitlines()

    def nodes(self) -> Iterator[ast.AST]:
        """Every node, in no particular order."""
        return ast.walk(self.tree)

    def imports(self) -> Iterator[str]:
        """The full name of every module imported, wherever in the file."""
        for node in self.nodes():
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module

    def calls(self) -> Iterator[ast.Call]:
        """Every call."""
        return (node for node in self.nodes() if isinstance(node, ast.Call))

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function and method."""
        return (node for node in self.nodes() if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))

    def is_one_of(self, patterns: Iterable[str]) -> bool:
        """Whether the path matches a pattern; a folder is written with a slash at its end."""
        return any(fnmatch(self.path, pattern + ("*" if pattern.endswith("/") else "")) for pattern in patterns)


@cache
def modules(*roots: str) -> Sequence[Module]:
    """Return every Python file below these folders; of the product alone if none is named."""
    paths = sorted(path for root in roots or OURS for path in (ROOT / root).rglob("*.py"))
    return [_module(path) for path in paths]


def _module(path: Path) -> Module:
    text = path.read_text()
    return Module(path=path.relative_to(ROOT).as_posix(), text=text, tree=ast.parse(text))


@cache
def files() -> Mapping[str, str]:
    """Return the text of every file that is, or is about to be, in the repository; binary ones are left out."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    named = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return {name: text for name in sorted(filter(None, named)) if (text := _text(ROOT / name)) is not None}


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except (UnicodeDecodeError, FileNotFoundError):
        return None


def named(node: ast.AST) -> str:
    """Return a dotted name as it is written (`log.info`); empty for what is none."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            return f"{named(value)}.{attr}"
        case _:
            return ""


def at(module: Module, node: ast.AST, what: str = "") -> str:
    """Return where something is, for people and editors."""
    return f"{module.path}:{getattr(node, 'lineno', 1)} {what}".rstrip()


def obeyed(law: str, offenders: Iterable[str]) -> None:
    """Fail with the law and a line for each offender."""
    found = sorted(offenders)
    assert not found, "\n  ".join((f"{law}. Broken by:", *found))
