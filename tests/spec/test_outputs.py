"""Files of somebody's choice, and the files that runs read."""

from __future__ import annotations

from pathlib import Path

import pytest
from given.shop import SPEC

from mlsys.errors import UsageError
from mlsys.monitoring.monitoring import export_window
from mlsys.spec import resolve
from mlsys.spec.outputs import require_no_drop


@pytest.mark.parametrize(
    ("pattern", "name", "read"),
    [
        ("in/*.csv", "in/new.csv", True),
        ("in/*.csv", "in/old/new.csv", False),
        ("in/**/*.csv", "in/old/new.csv", True),
        ("in/**/*.csv", "in/new.csv", True),
        ("in/*.csv", "out/new.csv", False),
    ],
)
def test_what_a_source_would_read_is_refused(tmp_path: Path, pattern: str, name: str, read: bool) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(SPEC)
    spec = resolve(path, [f"source={{kind: files, path: '{tmp_path}/{pattern}', event_time: placed_at}}"]).spec
    if not read:
        require_no_drop(spec, tmp_path / name, where="--out")
        return
    with pytest.raises(UsageError, match="--out: shop reads its data from files of this name"):
        require_no_drop(spec, tmp_path / name, where="--out")


@pytest.mark.slow
def test_rows_are_not_exported_where_they_would_be_read(work, tmp_path: Path, monkeypatch) -> None:
    source = f"{{kind: files, path: '{tmp_path}/*.parquet', event_time: placed_at}}"
    monkeypatch.setenv("MLSYS_SET", f"source={source}")
    with pytest.raises(UsageError, match="--export: shop reads its data"):
        export_window(work, "shop", tmp_path)
    assert not list(tmp_path.glob("*.parquet"))
