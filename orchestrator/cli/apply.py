"""bulkhead apply: connections and schedules made as a file has them; what it does not name is left alone."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from orchestrator.cli.desk import FAILED, WRONG_USE, Desk, command, fail

if TYPE_CHECKING:
    from orchestrator.client import ApiError

VARIABLE = re.compile(r"\$(\$)?\{([A-Za-z_]\w*)\}")
KINDS = {"connections": "connection", "schedules": "schedule"}  # in this order: schedules name connections
COLUMNS = {"action": "ACTION", "kind": "KIND", "name": "NAME", "changes": "CHANGES"}
ADDED, CHANGED, SAME = "add", "change", "same"
SECRET = "credentials"  # noqa: S105 - a field's name; never shown, and never compared: they do not come back
QUOTA = {"window": "rolling24h"}  # as the API completes it


@dataclass(frozen=True, kw_only=True)
class Item:
    """A connection or a schedule, as the file has it; `changes` is what differs, old and new."""

    kind: str
    name: str
    wanted: Mapping[str, Any]
    action: str = ADDED
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


def register(app: typer.Typer) -> None:
    """Add the subcommand."""
    command(app, "apply", "bulkhead apply bulkhead.yaml --dry-run")(apply)


def apply(
    desk: Desk,
    file: Annotated[Path, typer.Argument(help="YAML with connections and schedules, by name.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    renew: Annotated[
        list[str] | None, typer.Option("--credentials", help="Send this connection's credentials anew; repeatable.")
    ] = None,
) -> None:
    """Add what is not there, change what differs; a second run changes nothing.

    `${NAME}` in a text is an environment variable. Credentials go to new connections, and where --credentials asks.
    """
    items = list(_items(file, _read(file)))
    unknown = set(renew or ()) - {each.name for each in items if each.kind == "connection"}
    if unknown:
        fail(f"--credentials {min(unknown)} is no connection of {file}")
    compared = [_compared(desk, each, renewed=each.name in (renew or ())) for each in items]
    if not dry_run:
        for each in compared:
            _do(desk, each)
    _show(desk, compared, dry_run)


def _read(file: Path) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load(file.read_text())
    except FileNotFoundError:
        fail(f"there is no file {file}")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read: {error}")
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f", line {place.line + 1}" if place else ""
        fail(f"{file} is no YAML{line}: {getattr(error, 'problem', None) or 'it cannot be read'}")
    if not isinstance(found, dict):
        fail(f"{file} holds no mapping", "Like `connections:` and `schedules:`, each with names below.")
    for name in found:
        if name not in KINDS:
            fail(f"{file} has an unknown part, {name}", f"Known: {', '.join(KINDS)}.")
    return dict(found)


def _items(file: Path, found: Mapping[str, Any]) -> Iterator[Item]:
    for part, kind in KINDS.items():
        entries = found.get(part) or {}
        if not isinstance(entries, dict):
            fail(f"{part} in {file} is no mapping", "Write each one under its name.")
        for name, wanted in entries.items():
            if not isinstance(wanted, dict) or not isinstance(name, str):
                fail(f"{kind} {name} in {file} is no mapping of a name", "Put names that look like numbers in quotes.")
            yield Item(kind=kind, name=name, wanted=_filled(wanted, f"{part}.{name}"))


def _filled(value: Any, place: str) -> Any:
    """Return a value with the environment's variables in its texts; ends the command where one is not set."""
    from orchestrator.settings import of_user

    def put(match: re.Match[str]) -> str:
        if match[1]:
            return match[0][1:]
        found = of_user(match[2])
        return found if found is not None else fail(f"{place} needs the environment variable {match[2]}", "Set it.")

    match value:
        case dict():
            return {name: _filled(each, f"{place}.{name}") for name, each in value.items()}
        case list():
            return [_filled(each, f"{place}.{index}") for index, each in enumerate(value)]
        case str():
            return VARIABLE.sub(put, value)
        case _:
            return value


def _compared(desk: Desk, item: Item, *, renewed: bool) -> Item:
    """Return the item with what differs from what is there."""
    from orchestrator.client import ApiError

    try:
        there = desk.client.connection(item.name) if item.kind == "connection" else desk.client.schedule(item.name)
    except ApiError as error:
        if error.status == 404:
            return item
        _refused(item, error)
    changes = {name: (there.get(name), new) for name, new in item.wanted.items() if not _is_so(name, there, new)}
    if renewed and SECRET in item.wanted:
        changes[SECRET] = (there.get(SECRET), item.wanted[SECRET])
    return Item(
        kind=item.kind, name=item.name, wanted=item.wanted, changes=changes, action=CHANGED if changes else SAME
    )


def _is_so(name: str, there: Mapping[str, Any], wanted: Any) -> bool:
    if name == SECRET:
        return not isinstance(wanted, dict) or wanted.get("type") == there[SECRET]["type"]
    if name in ("baseUrl", "apiUrl"):
        return bool(str(wanted).rstrip("/") == there["baseUrl"])
    if name == "limits":
        return bool(_completed(wanted) == _completed(there.get(name)))
    return _within(wanted, there.get(name)) if name == "settings" else bool(wanted == there.get(name))


def _completed(limits: Any) -> Any:
    """Return limits with the defaults that they are shown with."""
    if not isinstance(limits, list) or not all(isinstance(each, dict) for each in limits):
        return limits
    return [{**QUOTA, **_zone(each), **each} if each.get("kind") == "quota" else each for each in limits]


def _zone(quota: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the default zone of a quota that has one."""
    return {"timezone": "UTC"} if quota.get("window") == "day" else {}


def _within(wanted: Any, there: Any) -> bool:
    """Whether all that is wanted is there; settings are shown with their defaults, under either spelling."""
    if not isinstance(wanted, dict) or not isinstance(there, dict):
        return bool(wanted == there)
    spelled = {name.replace("_", "").casefold(): value for name, value in there.items()}
    return all(_within(each, spelled.get(str(name).replace("_", "").casefold())) for name, each in wanted.items())


def _do(desk: Desk, item: Item) -> None:
    from orchestrator.client import ApiError

    client, changed = desk.client, {name: new for name, (_, new) in item.changes.items()}
    try:
        match item.kind, item.action:
            case "connection", "add":
                client.add_connection({"name": item.name, **item.wanted})
            case "connection", "change":
                client.change_connection(item.name, **changed)
            case "schedule", "add":
                client.add_schedule({"name": item.name, **item.wanted})
            case "schedule", "change":
                client.change_schedule(item.name, changed)
    except ApiError as error:
        _refused(item, error)


def _refused(item: Item, error: "ApiError") -> Any:
    code = WRONG_USE if 400 <= error.status < 500 else FAILED
    return fail(f"{item.kind} {item.name}: {error.detail} ({error.code})", error.advice, code)


def _show(desk: Desk, items: list[Item], dry_run: bool) -> None:
    told = [dict(map(_told, each.changes.items())) for each in items]
    rows = [{"action": each.action, "kind": each.kind, "name": each.name} for each in items]
    if desk.as_json:
        shown = [row | {"changes": changes} for row, changes in zip(rows, told, strict=True)]
        desk.show({"dryRun": dry_run, "items": shown})
        return
    lines = [", ".join(f"{name}: {text}" for name, text in changes.items()) for changes in told]
    desk.table([row | {"changes": line} for row, line in zip(rows, lines, strict=True)], COLUMNS)
    many = f"{sum(each.action != SAME for each in items)} of {len(items)}"
    desk.say(f"{many} would be made so; nothing was done" if dry_run else f"{many} made so")


def _told(change: tuple[str, tuple[Any, Any]]) -> tuple[str, str]:
    name, (old, new) = change
    return name, "anew" if name == SECRET else f"{old} → {new}"
