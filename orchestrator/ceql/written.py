"""From Filter to text: what `parse` makes the same filter of."""

from datetime import date, datetime

from orchestrator.ceql.grammar import PLAIN, WORDS
from orchestrator.ceql.tree import And, Comparison, Filter, In, IsNull, Like, Not, Or, Value


def render(term: Filter) -> str:
    """Return the text of a filter, with no more parentheses than it needs."""
    match term:
        case Comparison(field=field, sign=sign, value=value):
            return f"{name(field)} {sign} {literal(value)}"
        case Like(field=field, pattern=pattern):
            return f"{name(field)} LIKE {literal(pattern)}"
        case In(field=field, values=values):
            return f"{name(field)} IN ({', '.join(map(literal, values))})"
        case IsNull(field=field):
            return f"{name(field)} IS NULL"
        case Not(term=inner):
            return _opposite(inner)
        case And(terms=terms):
            return " AND ".join(f"({render(each)})" if isinstance(each, Or) else render(each) for each in terms)
        case Or(terms=terms):
            return " OR ".join(map(render, terms))


def _opposite(term: Filter) -> str:
    match term:
        case Like(field=field, pattern=pattern):
            return f"{name(field)} NOT LIKE {literal(pattern)}"
        case In(field=field, values=values):
            return f"{name(field)} NOT IN ({', '.join(map(literal, values))})"
        case IsNull(field=field):
            return f"{name(field)} IS NOT NULL"
        case And() | Or():
            return f"NOT ({render(term)})"
        case _:
            return f"NOT {render(term)}"


def name(field: str) -> str:
    """Return a field's name; in backticks where it would be read as something else."""
    if PLAIN.fullmatch(field) and field.partition(".")[0].lower() not in WORDS:
        return field
    return "`" + field.replace("`", "``") + "`"


def literal(value: Value) -> str:
    """Return a value as filters write it."""
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case str():
            return "'" + value.replace("'", "''") + "'"
        case _:
            return repr(value)
