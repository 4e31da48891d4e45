"""The documents of the network_security sample, read from a server, are the rows of its table."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest
import yaml
from bson import json_util
from given import mongo_server

from mlsys.sources import SOURCES
from mlsys.sources.base import ReadRequest, Source
from mlsys.spec import Spec

SAMPLE = "network_security"
PIPELINE = Path(__file__).parents[2] / "include" / "pipelines" / "network_security.yaml"
README = Path(__file__).parents[2] / "include" / "samples" / "README.md"
LINE = (
    'source: {kind: mongodb, url: "${MONGODB_URL}", database: samples, collection: websites, event_time: reported_at}'
)


def rows(source: Source, spec: Spec) -> list[dict[str, Any]]:
    window = {"since": datetime(2026, 3, 2, tzinfo=UTC), "until": datetime(2026, 3, 4, tzinfo=UTC)}
    drops = list(source.read(ReadRequest(spec.columns, **window)))
    assert not any(drop.rejected for drop in drops)
    table = pa.concat_tables([drop.table for drop in drops]).select(list(spec.columns))
    return sorted(table.to_pylist(), key=lambda row: row["site_id"])


def test_the_line_is_the_one_that_spec_and_readme_name() -> None:
    assert f"# {LINE}\n" in PIPELINE.read_text(encoding="utf-8")
    assert f"\n{LINE}\n" in README.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_documents_of_a_server_are_the_rows_of_the_table(
    maker: ModuleType, spec: Spec, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker.make(home / "samples", 4)
    files = sorted((home / "samples" / "network_security").glob("*.jsonl"))
    documents = [json_util.loads(line) for file in files for line in file.read_text().splitlines()]
    with mongo_server.running() as server:
        server.fill("samples", "websites", documents)
        monkeypatch.setenv("MONGODB_URL", f"mongodb://127.0.0.1:{server.port}/")
        found = rows(SOURCES.parse(yaml.safe_load(LINE)["source"]), spec)
    assert len(found) == 2 * maker.ROWS_PER_DAY
    assert found == rows(spec.source, spec)
