"""A user's own file, read row by row: CSV, JSONL or a JSON array, from any row's end on."""

from orchestrator.results.inputs.inspection import Inspection, inspect
from orchestrator.results.inputs.reader import open_input, sniff
from orchestrator.results.inputs.row import InputReader, InputRow, RowProblem

__all__ = ["InputReader", "InputRow", "Inspection", "RowProblem", "inspect", "open_input", "sniff"]
