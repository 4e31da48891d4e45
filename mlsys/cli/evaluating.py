"""`mlsys evaluate`: how good a version is on the rows of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlsys.cli.facts import json_option, say_json
from mlsys.cli.terminal import say, show_facts, show_table
from mlsys.errors import UsageError
from mlsys.wording import counted, measured

if TYPE_CHECKING:
    import pyarrow as pa

    from mlsys.evaluation.on_file import FileEvaluation
    from mlsys.records import MetricValue


@click.command()
@click.argument("name")
@click.option(
    "--data", "path", required=True, type=click.Path(path_type=Path), help="A CSV, Parquet or Excel file (.xlsx)."
)
@click.option("--version", metavar="VERSION", help="A version that served (default: the champion).")
@click.option("--out", type=click.Path(path_type=Path), help="Write each row's score there: .csv or .parquet.")
@json_option
def evaluate(name: str, path: Path, version: str | None, out: Path | None, as_json: bool) -> None:
    """Measure a version of NAME on the rows of a file, as a retraining measures it on the holdout.

    Rows without labels are scored all the same. Nothing enters the ledger.
    """
    from mlsys.evaluation.on_file import measure, require_no_input
    from mlsys.workspace import open_workspace

    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise UsageError("Scores are written as .csv or .parquet", where="--out", got=str(out))
    with open_workspace() as work:
        work.settings.spec_path(name)
        if out is not None:
            require_no_input(work, name, path, out, version=version)
        found = measure(work, name, path, version=version)
    if out is not None:
        _write(found.table, out)
    if as_json:
        say_json(found.facts())
        return
    _show(found)
    if out is not None:
        say(f"\nScores of {counted(found.n_rows, 'row')}: {out}")


def _show(found: FileEvaluation) -> None:
    say(f"{found.pipeline} {found.version} ({found.candidate}) on {found.path}")
    labelled = ", ".join(f"{n:,} '{name}'" for name, n in found.classes.items())
    show_facts(
        [
            ("rows", f"{found.n_rows:,}" + (f", {len(found.rejected):,} more can't be read" if found.rejected else "")),
            ("labelled", f"{found.n_labelled:,}" + (f": {labelled}" if labelled else "")),
            ("without label", ", ".join(f"{n:,} {reason}" for reason, n in found.unlabelled.items())),
            ("scores", ", ".join(f"{share} {measured(value)}" for share, value in found.quantiles.items())),
            ("mind", f"rows up to {found.last_day} may have been among those that it was fitted on"),
        ]
    )
    for one in found.rejected[:3]:
        say(f"  not read: {one.where}: {one.reason}")
    say()
    if found.values:
        show_table(("metric", "value", "95 % interval", ""), map(_line, found.values))
    else:
        say("No row has a label: there are scores alone.")


def _line(value: MetricValue) -> tuple[str, str, str, str]:
    if value.value is None:
        return value.name, "–", "", value.reason or ""
    bounds = "" if value.lower is None or value.upper is None else f"{measured(value.lower)} to {measured(value.upper)}"
    return value.name, measured(value.value), bounds, value.reason or ""


def _write(table: pa.Table, out: Path) -> None:
    import io

    import pyarrow.csv as csv
    import pyarrow.parquet as parquet

    from mlsys.store import write_atomically

    sink = io.BytesIO()
    if out.suffix == ".csv":
        csv.write_csv(table, sink)
    else:
        parquet.write_table(table, sink)
    write_atomically(out, sink.getvalue())
