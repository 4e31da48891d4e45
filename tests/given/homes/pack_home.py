"""Pack a home into an archive that can be unpacked anywhere, with what the release itself knew about it.

All files stay as they are, the ledger of SQLite too; the databases of a Postgres and MLflow's of SQLite become SQL.
Left out is what each machine makes for itself. `HOME` stands for the home's path: MLflow keeps it in its database and
beside its models, nothing else does.
"""

from __future__ import annotations

import io
import json
import lzma
import re
import sqlite3
import subprocess
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

HOME = b"@HOME@"
KNOWN = "known.json"  # what the release said of the home
_MADE_ANEW = {"pg", "secrets", "logs", "mlflow.db"}

# A few orders as models see them: float64, and objects.
ROWS: dict[str, list[Any]] = {
    "basket_value": [12.5, 33.1, 70.0, float("nan"), 250.0],
    "n_items": [1.0, 4.0, 8.0, 3.0, 2.0],
    "channel": ["web", "app", "store", None, "fair"],
    "gift": [0.0, 1.0, 0.0, 0.0, 1.0],
}


def pack(home: Path, archive: Path) -> None:
    """Write the archive."""
    what = {"rows": ROWS, "pipelines": known()}
    files = {KNOWN: json.dumps(what, indent=1).encode(), **databases(home)}
    for path in sorted(home.rglob("*")):
        name = path.relative_to(home).as_posix()
        if path.is_file() and not path.is_symlink() and name.split("/")[0] not in _MADE_ANEW:
            files[name] = path.read_bytes().replace(str(home).encode(), HOME)
    links = {
        p.relative_to(home).as_posix(): p.readlink() for p in home.rglob("*") if p.is_symlink() and "pg" not in p.parts
    }
    archive.parent.mkdir(parents=True, exist_ok=True)
    with (
        lzma.open(archive, "wb", preset=9 | lzma.PRESET_EXTREME) as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            if (home / name).exists():
                entry.mode, entry.mtime = (home / name).stat().st_mode & 0o777, int((home / name).stat().st_mtime)
            tar.addfile(entry, io.BytesIO(content))
        for name, target in sorted(links.items()):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, str(target)
            tar.addfile(entry)


def known() -> dict[str, Any]:
    """Return what the release said of its home: champions, runs, rows, partitions, and scores of its models."""
    import pandas as pd

    from mlsys.training import model_file
    from mlsys.workspace import open_workspace

    frame = pd.DataFrame(ROWS).astype({"channel": object})
    said: dict[str, Any] = {}
    with open_workspace() as work:
        for name in work.ledger.pipelines():
            runs = {row.run_id: row for row in work.ledger.runs(name)}
            keys = dict.fromkeys(row.training_key for row in runs.values())
            candidates = [c for key in keys for c in work.ledger.candidates(key) if c.model is not None]
            changes = work.ledger.champion_changes(name)
            newest = next(row.snapshot for row in work.ledger.run(changes[-1].run_id) if row.snapshot is not None)
            said[name] = {
                "changes": [[c.version, c.candidate_id, c.kind, c.at.isoformat()] for c in changes],
                "runs": {run_id: row.status for run_id, row in runs.items()},
                "outcomes": [[d.run_id, d.outcome, d.sentence] for d in work.ledger.decisions(name)],
                "requests": len(work.ledger.requests(name)),
                "rows": work.ledger.verify(name),
                "days": [str(newest.first_day), str(newest.last_day), newest.n_partitions, newest.n_rows],
                "models": {
                    c.candidate_id: [
                        c.model,
                        model_file.load(str(c.model), work.store).predict_proba(frame)[:, 1].tolist(),
                    ]
                    for c in candidates
                },
            }
    return said


def databases(home: Path) -> dict[str, bytes]:
    """Return the home's databases as SQL; the ledger of SQLite, which names no path, stays a file."""
    from mlsys.database import embedded, embedded_files

    if (home / "mlflow.db").exists():
        with closing(sqlite3.connect(home / "mlflow.db")) as connection:
            text = "\n".join(connection.iterdump())
        return {"mlflow.sql": text.encode().replace(str(home).encode(), HOME)}
    found = {}
    with embedded.running(home) as server:
        for name in ("mlsys", "mlflow"):
            command = [str(embedded_files.program("pg_dump")), "--no-owner", "--no-privileges", "--rows-per-insert=100"]
            url = server.url(name).replace("postgresql+psycopg2", "postgresql")
            dump = subprocess.run([*command, url], capture_output=True, check=True).stdout
            dump = re.sub(rb"(?m)^\\(un)?restrict .*\n", b"", dump)  # commands of psql
            found[f"{name}.sql"] = dump.replace(str(home).encode(), HOME)
    return found
