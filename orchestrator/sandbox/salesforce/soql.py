"""Reads SOQL: the part of it that lists, counts and groups one object.

https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select.htm
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from orchestrator.sandbox.exchange import Refused
from orchestrator.sandbox.salesforce.refusals import refused

TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^'\\]|\\.)*')
  | (?P<datetime>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d))
  | (?P<date>\d{4}-\d\d-\d\d)
  | (?P<number>[+-]?\d+(?:\.\d+)?)
  | (?P<name>[A-Za-z_][\w.]*(?::\d+)?)
  | (?P<mark>!=|<>|<=|>=|[=<>(),])
    )""",
    re.VERBOSE,
)
COMPARISONS = ("=", "!=", "<>", "<", ">", "<=", ">=")
AGGREGATES = ("count", "count_distinct", "sum", "avg", "min", "max")
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


@dataclass(frozen=True, kw_only=True)
class Token:
    """One word, and what it is: text, datetime, date, number, name, mark, end."""

    kind: str
    text: str

    @property
    def word(self) -> str:
        """The word in lower case."""
        return self.text.lower()


@dataclass(frozen=True, kw_only=True)
class Test:
    """One comparison of a field with one value, or with a list of them."""

    path: str
    operator: str  # = != < > <= >= like in not in
    values: tuple[Token, ...]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Conditions joined by a word: and, or, not."""

    word: str
    parts: tuple["Condition", ...]


Condition = Test | Group


@dataclass(frozen=True, kw_only=True)
class Column:
    """One selected column: a path, or a function of one."""

    path: str
    function: str = ""
    alias: str = ""


@dataclass(frozen=True, kw_only=True)
class Ordering:
    """One sort key."""

    path: str
    descending: bool = False
    nulls_last: bool = False


@dataclass(kw_only=True)
class Select:
    """A whole query."""

    columns: list[Column] = field(default_factory=list)
    counts: bool = False  # SELECT COUNT()
    thing: str = ""
    where: Condition | None = None
    group_by: list[str] = field(default_factory=list)
    order: list[Ordering] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0
    beyond: str = ""  # a part of the language that no answer can be given to here

    @property
    def is_grouped(self) -> bool:
        """Whether rows are summed up."""
        return bool(self.group_by) or any(column.function for column in self.columns)

    @property
    def too_much_for_bulk(self) -> str:
        """Which part of the query Bulk refuses; empty: none."""
        if self.beyond:
            return self.beyond
        if self.group_by:
            return "GROUP BY"
        if self.counts or self.is_grouped:
            return "aggregate functions"
        return "OFFSET" if self.offset else ""


Some = TypeVar("Some")


def parse(soql: str) -> Select:
    """Return the query that a text says; refuses what it cannot read."""
    return _Reader(soql).select()


def malformed(message: str) -> Refused:
    """Return what is said of a query that cannot be read."""
    return refused(400, "MALFORMED_QUERY", message)


def spoken(token: Token) -> str:
    """Return what stands between the quotes of a text."""
    return unescaped(token.text[1:-1])


def unescaped(text: str) -> str:
    """Return a text whose escapes are what they stand for."""
    return re.sub(r"\\(.)", lambda match: ESCAPES.get(match[1], match[1]), text, flags=re.DOTALL)


def _tokens(soql: str) -> list[Token]:
    found, at = [], 0
    text = soql.strip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise malformed(f"unexpected character at column {at + 1}")
        kind = match.lastgroup or ""
        found.append(Token(kind=kind, text=match[kind]))
        at = match.end()
    return [*found, Token(kind="end", text="<EOF>")]


class _Reader:
    """Goes through the words once, from left to right."""

    def __init__(self, soql: str) -> None:
        self._tokens: Sequence[Token] = _tokens(soql)
        self._at = 0
        self._select = Select()

    def select(self) -> Select:
        self._need("select")
        self._columns()
        self._need("from")
        self._select.thing = self._name()
        if self._take("where"):
            self._select.where = self._either()
        if self._take("group"):
            self._need("by")
            self._select.group_by = [self._name(), *self._more(self._name)]
        if self._take("order"):
            self._need("by")
            self._select.order = [self._ordering(), *self._more(self._ordering)]
        if self._take("limit"):
            self._select.limit = self._count()
        if self._take("offset"):
            self._select.offset = self._count()
        if self._now.kind != "end":
            raise malformed(f"unexpected token: '{self._now.text}'")
        return self._select

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._now
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _take(self, *words: str) -> bool:
        ahead = [token.word for token in self._tokens[self._at : self._at + len(words)]]
        taken = ahead == list(words) and self._now.kind in ("name", "mark")
        self._at += len(words) * taken
        return taken

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise malformed(f"unexpected token: '{self._now.text}' (expecting {word})")

    def _name(self) -> str:
        if self._now.kind != "name":
            raise malformed(f"unexpected token: '{self._now.text}'")
        return self._next().text

    def _count(self) -> int:
        token = self._next()
        if token.kind != "number" or not token.text.isdigit():
            raise malformed(f"unexpected token: '{token.text}'")
        return int(token.text)

    def _more(self, read: Callable[[], Some]) -> Iterator[Some]:
        while self._take(","):
            yield read()

    def _columns(self) -> None:
        columns = [self._column(), *self._more(self._column)]
        self._select.columns = [column for column in columns if column is not None]

    def _column(self) -> Column | None:
        if self._now.word == "typeof":
            self._skip("TYPEOF", "end")
            return None
        if self._now.text == "(":
            self._skip("parent-to-child subqueries", ")")
            return None
        path = self._name()
        if not self._take("("):
            return Column(path=path)
        return self._function(path.lower())

    def _function(self, function: str) -> Column | None:
        if function == "count" and self._take(")"):
            self._select.counts = True
            return None
        path = self._name()
        self._need(")")
        if function not in AGGREGATES:
            raise malformed(f"unexpected token: '{function}'")
        alias = "" if self._now.word in ("from", ",") else self._name()
        return Column(path=path, function=function, alias=alias)

    def _skip(self, beyond: str, last: str) -> None:
        self._select.beyond = beyond
        while self._now.word != last and self._now.kind != "end":
            self._next()
        self._next()

    def _either(self) -> Condition:
        return self._joined("or", self._both)

    def _both(self) -> Condition:
        return self._joined("and", self._one)

    def _joined(self, word: str, read: Callable[[], Condition]) -> Condition:
        parts = [read()]
        while self._take(word):
            parts.append(read())
        return parts[0] if len(parts) == 1 else Group(word=word, parts=tuple(parts))

    def _one(self) -> Condition:
        if self._take("not"):
            return Group(word="not", parts=(self._one(),))
        if self._take("("):
            inner = self._either()
            self._need(")")
            return inner
        return self._test(self._name())

    def _test(self, path: str) -> Test:
        for operator, words in (("in", ("in",)), ("not in", ("not", "in"))):
            if self._take(*words):
                return Test(path=path, operator=operator, values=self._values())
        token = self._next()
        if token.word == "like":
            return Test(path=path, operator="like", values=(self._value(),))
        if token.text not in COMPARISONS:
            raise malformed(f"unexpected token: '{token.text}'")
        operator = "!=" if token.text == "<>" else token.text
        return Test(path=path, operator=operator, values=(self._value(),))

    def _values(self) -> tuple[Token, ...]:
        self._need("(")
        values = (self._value(), *self._more(self._value))
        self._need(")")
        return values

    def _value(self) -> Token:
        token = self._next()
        if token.kind in ("mark", "end"):
            raise malformed(f"unexpected token: '{token.text}'")
        return token

    def _ordering(self) -> Ordering:
        path = self._name()
        descending = self._take("desc") or (self._take("asc") and False)
        last = descending
        if self._take("nulls"):
            last = self._name().lower() == "last"
        return Ordering(path=path, descending=descending, nulls_last=last)
