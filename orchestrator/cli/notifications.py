"""bulkhead notifications, redeliver, tenant."""

from datetime import datetime
from typing import Annotated, Any

import typer

from orchestrator.cli.desk import Desk, command
from orchestrator.cli.jobs import JobArgument, LastOption

COLUMNS = {"id": "ID", "kind": "KIND", "state": "STATE", "tries": "TRIES", "last": "LAST ANSWER", "url": "URL"}
A_DAY = 86_400  # s
NOWHERE = "none"


def register(app: typer.Typer) -> None:
    """Add the subcommands, and the group of what a tenant sets."""
    command(app, "notifications", "bulkhead notifications 42")(notifications)
    command(app, "redeliver", "bulkhead redeliver 42 7")(redeliver)
    group = typer.Typer(help="What a tenant sets: notifications by default, and their secret.", no_args_is_help=True)
    command(group, "show", "bulkhead tenant show")(show)
    command(group, "notify", "bulkhead tenant notify https://hooks.example.com/bulkhead")(notify)
    command(group, "secret", "bulkhead tenant secret --renew")(webhook_secret)
    app.add_typer(group, name="tenant")


def notifications(desk: Desk, job_id: JobArgument = None, last: LastOption = False) -> None:
    """List what a job has told its receiver."""
    from orchestrator.client import pages

    job = desk.job(job_id, last)
    found = list(pages(lambda token: desk.client.notifications(job, after=token, size=1000)))
    desk.table(found if desk.as_json else [each | _tries(each) for each in found], COLUMNS)


def _tries(notification: dict[str, Any]) -> dict[str, Any]:
    attempts = notification["attempts"]
    latest = attempts[-1] if attempts else {"status": None, "cause": None}
    return {"tries": len(attempts), "last": latest["cause"] or latest["status"]}


def redeliver(
    desk: Desk,
    job_id: Annotated[int, typer.Argument(metavar="ID", help="The job's id.")],
    number: Annotated[int, typer.Argument(metavar="N", help="The notification's id, as `notifications` shows it.")],
) -> None:
    """Send a notification once more, under its old webhook id."""
    again = desk.client.redeliver(job_id, number)
    desk.show(again, f"notification {number} is sent once more")


def show(desk: Desk) -> None:
    """Show what the tenant has set."""
    found = desk.client.tenant()
    desk.show(found, f"notifications go to {found['notificationUrl'] or NOWHERE} by default")


def notify(desk: Desk, address: Annotated[str, typer.Argument(metavar="URL", help="An address, or `none`.")]) -> None:
    """Set where notifications go that name no URL themselves."""
    found = desk.client.set_notification_url(None if address == NOWHERE else address)
    desk.show(found, f"notifications go to {found['notificationUrl'] or NOWHERE} by default")


def webhook_secret(
    desk: Desk,
    renew: Annotated[bool, typer.Option("--renew", help="Make a new one.")] = False,
    overlap: Annotated[int, typer.Option("--overlap", help="Seconds that the old one signs on.", min=0)] = A_DAY,
) -> None:
    """Print the secrets that sign notifications, the latest first."""
    found = desk.client.renew_webhook_secret(overlap_seconds=overlap) if renew else desk.client.webhook_secrets()
    desk.show(found, "\n".join(_line(each) for each in found))


def _line(secret: dict[str, Any]) -> str:
    if secret["signsUntil"] is None:
        return str(secret["secret"])
    until = datetime.fromtimestamp(secret["signsUntil"] / 1000).astimezone()
    return f"{secret['secret']} until {until:%Y-%m-%d %H:%M:%S %Z}"
