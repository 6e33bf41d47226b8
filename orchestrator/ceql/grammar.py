"""From text to Filter. The parser (LALR) keeps its own stack, so that no nesting of parentheses can exhaust ours."""

import math
import re
from collections.abc import Mapping
from functools import cache
from typing import NoReturn

from lark import Lark, Token, Transformer, UnexpectedInput, v_args

from orchestrator.ceql.errors import BadFilter
from orchestrator.ceql.moments import moment_of
from orchestrator.ceql.tree import Comparison, Filter, In, IsNull, Like, Not, Sign, Value, all_of, any_of, depth

LONGEST = 10_000  # characters; what people and programs write has a few hundred
DEEPEST = 50  # levels of AND, OR and NOT; a filter is walked by functions that call themselves
LONGEST_NAME = 255
LONGEST_NUMBER = 40  # characters

GRAMMAR = r"""
?start: either
either: both (_OR both)*
both: one (_AND one)*
?one: _NOT one -> negated
    | "(" either ")"
    | test

?test: NAME SIGN value -> compared
    | NAME SIGN NULL -> compared_with_null
    | NAME _LIKE TEXT -> like
    | NAME _NOT _LIKE TEXT -> unlike
    | NAME _IN "(" value ("," value)* ")" -> one_of
    | NAME _NOT _IN "(" value ("," value)* ")" -> none_of
    | NAME _IS NULL -> is_null
    | NAME _IS _NOT NULL -> is_not_null

?value: TEXT | MOMENT | NUMBER | TRUE | FALSE

_AND.3: /and(?![\w.])/i
_OR.3: /or(?![\w.])/i
_NOT.3: /not(?![\w.])/i
_IN.3: /in(?![\w.])/i
_IS.3: /is(?![\w.])/i
_LIKE.3: /like(?![\w.])/i
NULL.3: /null(?![\w.])/i
TRUE.3: /true(?![\w.])/i
FALSE.3: /false(?![\w.])/i
NAME: /[^\W\d][\w$@-]*(\.[\w$@-]+)*|`(?:[^`]|``)+`/
SIGN: "=" | "!=" | "<>" | "<=" | ">=" | "<" | ">"
TEXT: /'(?:[^']|'')*'/
MOMENT.2: /[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?/i
NUMBER: /[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?/i

%ignore /\s+/
"""
WORDS = frozenset({"and", "or", "not", "in", "is", "like", "null", "true", "false"})
WORD = re.compile(r"[\w.-]{1,40}|\S")
PLAIN = re.compile(r"[^\W\d][\w$@-]*(\.[\w$@-]+)*")
EXPECTED: Mapping[str, str] = {
    "_AND": "AND", "_OR": "OR", "_NOT": "NOT", "_IN": "IN", "_IS": "IS", "_LIKE": "LIKE", "NULL": "null",
    "TRUE": "true", "FALSE": "false", "NAME": "a field", "SIGN": "= != < <= > >=", "TEXT": "a text in single quotes",
    "MOMENT": "a date", "NUMBER": "a number", "LPAR": "(", "RPAR": ")", "COMMA": ",", "$END": "the end",
}  # fmt: skip


def parse(text: str) -> Filter:
    """Return the filter that a text says; raises BadFilter, and nothing else."""
    if len(text) > LONGEST:
        raise BadFilter(f"is longer than {LONGEST:,} characters", advice="Write less, or use several jobs.")
    if not text.strip():
        raise BadFilter("holds nothing", advice="Like status = 'open' AND size > 5; or leave it out.")
    try:
        found: Filter = _parser().parse(text)  # type: ignore[assignment]  # the transformer makes filters of trees
    except UnexpectedInput as error:
        _refuse(text, error)
    if depth(found) > DEEPEST:
        raise BadFilter(f"is nested deeper than {DEEPEST} levels", advice="Write a list of values with IN.")
    return found


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", transformer=_Builder(), maybe_placeholders=False)


def _refuse(text: str, error: UnexpectedInput) -> NoReturn:
    place = getattr(error, "pos_in_stream", None)  # None or negative at the end of the text
    at = place if place is not None and place >= 0 else len(text)
    wanted = set(getattr(error, "accepts", None) or getattr(error, "expected", None) or ())
    wanted |= set(getattr(error, "allowed", None) or ())
    words = [word for name, word in EXPECTED.items() if name in wanted]
    if getattr(getattr(error, "token", None), "type", "") == "$END":
        problem, at = "ends too early", len(text)
    else:
        word = WORD.match(text, at)
        problem = f"{word[0] if word else ' '!r} is not expected"
    advice = f"Expected: {', '.join(words)}." if words else "See the page on filters."
    if text[at : at + 1] == '"':
        advice = "Texts stand in single quotes: 'open'."
    elif text[at : at + 1] == "'":
        advice = "A text ends with a single quote; one inside is written twice: 'O''Neil'."
    raise BadFilter(problem, at + 1, advice) from None


@v_args(inline=True)
class _Builder(Transformer[Token, Filter]):
    """Makes filters of what the grammar found."""

    def either(self, *terms: Filter) -> Filter:
        return any_of(terms)

    def both(self, *terms: Filter) -> Filter:
        return all_of(terms)

    def negated(self, term: Filter) -> Filter:
        return Not(term=term)

    def compared(self, name: Token, sign: Token, value: Token) -> Filter:
        field, meant, word = _name(name), _sign(sign), _value(value)
        if isinstance(word, bool) and meant not in (Sign.EQ, Sign.NE):
            raise BadFilter(f"{value} has no order", _at(value), "Compare it with = or !=.")
        return Comparison(field=field, sign=meant, value=word)

    def compared_with_null(self, name: Token, sign: Token, null: Token) -> Filter:
        match _sign(sign):
            case Sign.EQ:
                return self.is_null(name, null)
            case Sign.NE:
                return self.is_not_null(name, null)
            case _:
                raise BadFilter("null has no order", _at(null), "Write IS NULL or IS NOT NULL.")

    def like(self, name: Token, pattern: Token) -> Filter:
        return Like(field=_name(name), pattern=_text(pattern))

    def unlike(self, name: Token, pattern: Token) -> Filter:
        return Not(term=self.like(name, pattern))

    def one_of(self, name: Token, *values: Token) -> Filter:
        return In(field=_name(name), values=tuple(map(_value, values)))

    def none_of(self, name: Token, *values: Token) -> Filter:
        return Not(term=self.one_of(name, *values))

    def is_null(self, name: Token, _: Token) -> Filter:
        return IsNull(field=_name(name))

    def is_not_null(self, name: Token, null: Token) -> Filter:
        return Not(term=self.is_null(name, null))


def _at(token: Token) -> int:
    return (token.start_pos or 0) + 1


def _name(token: Token) -> str:
    name = token[1:-1].replace("``", "`") if token.startswith("`") else str(token)
    if len(name) > LONGEST_NAME:
        raise BadFilter(f"a field has a name of more than {LONGEST_NAME} characters", _at(token))
    return name


def _sign(written: str) -> Sign:
    return Sign.NE if written == "<>" else Sign(str(written))


def _text(token: Token) -> str:
    return token[1:-1].replace("''", "'")


def _value(token: Token) -> Value:
    moment = moment_of(token) if token.type == "MOMENT" else None
    match token.type:
        case "TEXT":
            return _text(token)
        case "TRUE" | "FALSE":
            return token.type == "TRUE"
        case "MOMENT":
            if moment is None:
                raise BadFilter(f"{token} is no date", _at(token), "Like 2025-01-31 or 2025-01-31T10:00:00Z.")
            return moment
        case _:
            return _number(token)


def _number(token: Token) -> int | float:
    text = token.lstrip("+-")
    number = float(token) if len(token) <= LONGEST_NUMBER else math.inf
    if math.isinf(number):
        raise BadFilter("a number is too large", _at(token), f"Write it with at most {LONGEST_NUMBER} characters.")
    return int(token) if text.isdigit() else number
