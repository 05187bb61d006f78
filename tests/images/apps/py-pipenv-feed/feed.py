import json
import pathlib

import click
import yaml
from rich.console import Console
from rich.table import Table

HERE = pathlib.Path(__file__).parent


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json", "table"]), default="table")
def feed(form):
    """Prints the entries of entries.yaml, newest first."""
    entries = sorted(yaml.safe_load((HERE / "entries.yaml").read_text()), key=lambda e: str(e["date"]), reverse=True)
    if form == "json":
        click.echo(json.dumps(entries, default=str))
    elif form == "text":
        for entry in entries:
            click.echo(f"{entry['date']} {entry['title']}")
    else:
        table = Table("date", "title")
        for entry in entries:
            table.add_row(str(entry["date"]), entry["title"])
        Console(width=60).print(table)


if __name__ == "__main__":
    feed()
