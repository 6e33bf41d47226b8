"""The `bulkhead` command."""

import typer

from orchestrator.cli import demo, parts, up

app = typer.Typer(name="bulkhead", no_args_is_help=True, add_completion=False, help=__doc__)
app.command()(up.up)
app.command()(demo.demo)
parts.register(app)


def main() -> None:
    """Run the command."""
    app()
