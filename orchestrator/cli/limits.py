"""How the limits of a connection look on a terminal."""

import json
import time
from collections.abc import Iterator
from typing import Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from orchestrator.cli.desk import Desk
from orchestrator.clock import from_micros

EVERY = 1.0  # s between two looks
SHOWN = 10  # jobs that wait; --json shows all


def show_limits(desk: Desk, name: str, *, watch: bool) -> None:
    """Print the limits once, or again and again until Ctrl-C; with --json one line a look."""
    if not watch:
        _once(desk, desk.client.connection_limits(name))
        return
    try:
        _again_and_again(desk, name)
    except KeyboardInterrupt:
        return


def _once(desk: Desk, seen: dict[str, Any]) -> None:
    if desk.as_json:
        typer.echo(json.dumps(seen, ensure_ascii=False))
    else:
        Console().print(_picture(seen))


def _again_and_again(desk: Desk, name: str) -> None:
    if desk.as_json:
        while True:
            _once(desk, desk.client.connection_limits(name))
            time.sleep(EVERY)
    with Live(_picture(desk.client.connection_limits(name)), auto_refresh=False) as live:
        while True:
            time.sleep(EVERY)
            live.update(_picture(desk.client.connection_limits(name)), refresh=True)


def _picture(seen: dict[str, Any]) -> Group:
    return Group("\n".join(_lines(seen)), "", _limits(seen), *_waiting(seen))


def _lines(seen: dict[str, Any]) -> Iterator[str]:
    yield f"budget {seen['budget']} at {seen['provider']}, reserve {seen['reserve']:.0%}"
    if seen["limiter"] != "clear":
        yield "no call was made yet" if seen["limiter"] == "unseeded" else "the limiter is down: no call is made"
    if seen["blockedBy"]:
        yield f"blocked by {seen['blockedBy']} until {_clock(seen['blockedUntil'])}"
    if seen["gateClosedUntil"]:
        yield f"the gate is closed until {_clock(seen['gateClosedUntil'])}"
    breaker, turns, forecast = seen["breaker"], seen["turnsAtOnce"], seen["forecast"]
    yield f"circuit {breaker['state']}, {turns['now']} of {turns['cap']} turns at once"
    if forecast["jobs"]:
        more = "more than " if forecast["jobsOfUnknownSize"] else ""
        took = "" if forecast["seconds"] is None else f", {more}{forecast['seconds']:.0f} s"
        yield f"{forecast['jobs']} jobs need {more}{forecast['knownCalls']} calls{took}"


def _limits(seen: dict[str, Any]) -> Table:
    table = Table("LIMIT", "KIND", "OURS", "THERE", "USED", "FULL AGAIN", "IN FORCE", "LEARNED FROM", box=None)
    for each in seen["limits"]:
        learned = each["learnedFrom"] or {}
        share = "" if each["share"] is None else f"{each['share']:.0%}"
        table.add_row(
            each["name"], each["kind"], f"{each['amount']:g}", _number(each["available"]), _number(each["used"]),
            _clock(each["resetsAt"]), share, learned.get("header") or "",
        )  # fmt: skip
    return table


def _waiting(seen: dict[str, Any]) -> Iterator[Any]:
    if not seen["waiting"]:
        return
    table = Table("WAITING JOB", "STEPS", "FOR", "UNTIL", box=None)
    for each in seen["waiting"][:SHOWN]:
        table.add_row(str(each["jobId"]), str(each["steps"]), each["reason"], _clock(each["until"]))
    yield from ("", table)
    hidden = len(seen["waiting"]) - SHOWN
    if hidden > 0:
        yield f"and {hidden} more"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _clock(millis: int | None) -> str:
    return "" if millis is None else f"{from_micros(millis * 1000).astimezone():%H:%M:%S}"
