"""The filter language of `where`: read, written, evaluated over a record, and cut into what a vendor can take.

It is Cloud Elements' CEQL (`status = 'open' AND (size > 5 OR owner IS NULL)`), the language of Bulk v3's `where`.
https://docs.cloud-elements.com/home/querying-with-ceql

    text ─parse─▶ Filter ─predicate─▶ record → bool
      ▲             │
      └───render────┴─terms─▶ parts of one AND, each to be pushed down or applied here
"""

from orchestrator.ceql.errors import BadFilter
from orchestrator.ceql.grammar import parse
from orchestrator.ceql.meaning import number_of, predicate
from orchestrator.ceql.moments import day_of, moment_of
from orchestrator.ceql.normal import fields_of, terms, together
from orchestrator.ceql.patterns import characters
from orchestrator.ceql.tree import And, Comparison, Filter, In, IsNull, Like, Not, Or, Sign, Test, Value
from orchestrator.ceql.written import render

__all__ = [
    "And",
    "BadFilter",
    "Comparison",
    "Filter",
    "In",
    "IsNull",
    "Like",
    "Not",
    "Or",
    "Sign",
    "Test",
    "Value",
    "characters",
    "day_of",
    "fields_of",
    "moment_of",
    "number_of",
    "parse",
    "predicate",
    "render",
    "terms",
    "together",
]
