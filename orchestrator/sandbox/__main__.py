"""`python -m orchestrator.sandbox --port 0 --people 25000 --rate 6000`: every option is a flag."""

from argparse import ArgumentParser, BooleanOptionalAction
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import msgspec

from orchestrator.sandbox.options import Options
from orchestrator.sandbox.server import serve


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a sandbox as the arguments say."""
    chosen = vars(_parser().parse_args(arguments))
    host, port = chosen.pop("host"), chosen.pop("port")
    serve(host, port, msgspec.convert(chosen, Options))


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="sandbox", description="Imitations of the vendors, with faults on order.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    for option in fields(Options):
        parser.add_argument(f"--{option.name.replace('_', '-')}", default=option.default, **_kind(option.default))
    return parser


def _kind(default: Any) -> dict[str, Any]:
    match default:
        case bool():
            return {"action": BooleanOptionalAction}
        case tuple():
            return {"nargs": "*"}
    return {"type": type(default)}


if __name__ == "__main__":
    main()
