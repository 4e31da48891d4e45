"""The leads sample: what it promises to those who test with it."""

from __future__ import annotations

import errno
import io
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from mlsys.errors import MlsysError
from mlsys.spec import Spec

SAMPLE = "leads"
N_FIELDS = 12


@pytest.fixture(scope="module")
def drops(maker: ModuleType) -> list[bytes]:
    return [maker.drop(day) for day in range(20)]


@pytest.fixture(scope="module")
def truth(maker: ModuleType) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Fresh leads, whether they converted, and the true probability."""
    frame = maker.fresh(40_000, day=5, seed=1)
    return frame, (frame["converted"] == "yes").to_numpy(), maker.true_probability(frame, day=5)


def files(target: Path) -> dict[str, tuple[bytes, int]]:
    """Return content and time of change of every file below `target`."""
    found = sorted(path for path in target.rglob("*") if path.is_file())
    return {path.relative_to(target).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


def lines(drop: bytes) -> list[str]:
    return drop.decode("utf-8-sig").splitlines()[1:]


def broken(drop: bytes) -> list[str]:
    return [line for line in lines(drop) if line.count(",") != N_FIELDS - 1]


@pytest.mark.slow
def test_more_days_only_add_files(maker: ModuleType, tmp_path: Path) -> None:
    maker.make(tmp_path / "grown", 2)
    before = files(tmp_path / "grown")
    maker.make(tmp_path / "grown", 5)
    maker.make(tmp_path / "at_once", 5)
    grown = files(tmp_path / "grown")
    assert {name: grown[name] for name in before} == before
    at_once = {name: content for name, (content, _) in files(tmp_path / "at_once").items()}
    assert {name: content for name, (content, _) in grown.items()} == at_once
    assert [name for name in grown if "usage" not in name] == [f"leads/leads-2026-03-0{day}.csv" for day in range(1, 6)]
    assert len(grown) == 5 + 14 + 5


@pytest.mark.slow
@pytest.mark.parametrize("days", [1, 3])
def test_a_repetition_changes_nothing(maker: ModuleType, tmp_path: Path, days: int) -> None:
    first = maker.make(tmp_path, 3)
    before = files(tmp_path)
    assert maker.make(tmp_path, days) == first
    assert files(tmp_path) == before


def test_a_crash_leaves_no_file_half_written(
    maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(MlsysError, match="No space left"):
        maker.make(tmp_path, 2)
    assert files(tmp_path) == {}


def test_a_sample_has_at_least_one_day(maker: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one day"):
        maker.make(tmp_path / "none", 0)
    assert not (tmp_path / "none").exists()


def test_another_seed_gives_other_rows(maker: ModuleType) -> None:
    assert maker.drop(0, seed=1) != maker.drop(0, seed=2)


@pytest.mark.slow
def test_some_lines_are_broken_in_both_ways_and_fewer_than_one_percent(drops: list[bytes]) -> None:
    counts = [len(broken(drop)) for drop in drops]
    assert 0 < sum(counts) / sum(len(lines(drop)) for drop in drops) < 0.01
    assert max(counts) / 400 < 0.02
    n_commas = {line.count(",") for drop in drops for line in broken(drop)}
    assert min(n_commas) < N_FIELDS - 1 < max(n_commas)


@pytest.mark.slow
def test_one_file_begins_with_a_byte_order_mark(maker: ModuleType, drops: list[bytes]) -> None:
    marked = [day for day, drop in enumerate(drops) if drop.startswith(b"\xef\xbb\xbf")]
    assert marked == [maker.BOM_DAY]


def test_one_file_ends_in_the_middle_of_its_last_line(maker: ModuleType, drops: list[bytes]) -> None:
    cut = [day for day, drop in enumerate(drops) if not drop.endswith(b"\n")]
    assert cut == [maker.TRUNCATED_DAY]
    last = lines(drops[maker.TRUNCATED_DAY])[-1]
    assert last in broken(drops[maker.TRUNCATED_DAY])


def test_values_are_written_as_an_export_writes_them(drops: list[bytes]) -> None:
    whole = [line for drop in drops for line in lines(drop) if line.count(",") == N_FIELDS - 1]
    header = drops[0].decode().splitlines()[0]
    table = pd.read_csv(io.StringIO("\n".join([header, *whole])), keep_default_na=False, dtype=str)
    assert {"NA", "None"} <= set(table["industry"])
    assert set(table["demo_requested"]) == set(table["converted"]) == {"yes", "no"}
    assert 0.3 < (table["annual_revenue"] == "").mean() < 0.6
    assert table["created_at"].str.fullmatch(r"\d{2}/\d{2}/2026 \d{2}:\d{2}").all()
    assert table["lead_id"].is_unique
    assert 0.03 < (table["converted"] == "yes").mean() < 0.05


def test_fresh_leads_have_the_columns_of_the_files_and_no_lead_of_them(maker: ModuleType, drops: list[bytes]) -> None:
    frame = maker.fresh(500, day=3, seed=maker.SEED)
    assert ",".join(frame.columns) == drops[0].decode().splitlines()[0]
    assert frame["lead_id"].str.startswith("F-").all()
    assert not any(line.startswith("F-") for line in lines(drops[3]))


@pytest.mark.slow
def test_true_probability_is_calibrated(truth: tuple[pd.DataFrame, np.ndarray, np.ndarray]) -> None:
    _, converted, probability = truth
    decile = pd.qcut(probability, 10, labels=False)
    seen = pd.Series(converted).groupby(decile).mean()
    expected = pd.Series(probability).groupby(decile).mean()
    error = np.sqrt(expected * (1 - expected) / (len(converted) / 10))
    assert ((seen - expected).abs() < 4 * error + 1e-4).all()


@pytest.mark.slow
def test_true_probability_is_right_where_revenue_is_missing(
    truth: tuple[pd.DataFrame, np.ndarray, np.ndarray],
) -> None:
    frame, converted, probability = truth
    missing = frame["annual_revenue"].isna().to_numpy()
    error = np.sqrt((probability[missing] * (1 - probability[missing])).sum()) / missing.sum()
    assert abs(converted[missing].mean() - probability[missing].mean()) < 4 * error


def test_the_best_possible_ranking_is_far_above_chance(
    truth: tuple[pd.DataFrame, np.ndarray, np.ndarray],
) -> None:
    _, converted, probability = truth
    found = converted[np.argsort(-probability)].cumsum()
    precision = found / np.arange(1, len(found) + 1)
    average_precision = precision[np.diff(found, prepend=0) == 1].mean()
    assert 0.25 < average_precision < 0.40


@pytest.mark.slow
def test_sessions_after_the_day_of_a_lead_know_its_outcome_and_those_before_only_hint_at_it(
    maker: ModuleType, drops: list[bytes]
) -> None:
    usage = pd.concat([pd.read_csv(io.BytesIO(maker.usage(day))) for day in range(-14, 15)])
    times = usage[["used_at", "loaded_at"]].apply(pd.to_datetime)
    day = pd.to_datetime(usage["lead_id"].str[2:10], utc=True)
    assert usage["lead_id"].str.startswith("L-").all()
    leads = [line.split(",") for drop in drops[:8] for line in lines(drop) if line.count(",") == N_FIELDS - 1]
    n_sessions = {}
    for name, some in (("before", times["loaded_at"] < day), ("after", times["used_at"] >= day)):
        counts = usage[some]["lead_id"].value_counts()
        for outcome in ("yes", "no"):
            ids = [fields[0] for fields in leads if fields[-1] == outcome]
            n_sessions[name, outcome] = counts.reindex(ids).fillna(0).mean()
    # Of the sessions before, some are loaded too late to be known.
    assert n_sessions["before", "yes"] == pytest.approx(2.6, abs=0.5)
    assert n_sessions["before", "no"] == pytest.approx(1.2, abs=0.1)
    assert n_sessions["after", "yes"] == pytest.approx(6.0, abs=0.8)
    assert n_sessions["after", "no"] == pytest.approx(0.3, abs=0.05)
    late = times["loaded_at"] - times["used_at"]
    assert (late > pd.Timedelta(hours=1)).mean() == pytest.approx(0.05, abs=0.01)
    assert late.max() <= pd.Timedelta(days=2)


def test_the_spec_reads_every_column_of_the_files(spec: Spec, drops: list[bytes]) -> None:
    assert ",".join(spec.columns) == drops[0].decode().splitlines()[0]
    assert {"lead_id", "created_at", "converted"}.isdisjoint(spec.feature_columns())


@pytest.mark.slow
def test_the_spec_joins_every_column_of_the_sessions(maker: ModuleType, spec: Spec) -> None:
    (join,) = spec.joins
    assert ",".join(join.columns) == maker.usage(0).decode().splitlines()[0]
