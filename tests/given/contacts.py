"""A small policy to test against: contacts of a shop with its customers, what was done in each, and who bought.

Those older than fifty buy after a call, the others after a mail, and which of the two they got was decided by lot. From
`CHANGE` on it is the other way round.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
from given.shop import day

CHANGE = 20
PER_DAY = 100

SPEC = """
pipeline: contacts
source: {kind: sql, url: "sqlite:///${MLSYS_HOME}/contacts.db", table: contacts, event_time: at, timezone: UTC}
schema:
  {number: integer, customer: text, contact: integer, age: number, school: category, action: category, bought: text}
key: number
target:
  column: bought
  task: policy
  positive: "yes"
  action: action
  actions: [call, mail]
  customer: customer
  step: contact
  logged_by: [school]
ingest: {settle: 0s}
split: {kind: time, validation_days: 2, holdout_days: 5}
models: [most_frequent, {kind: q_learning, episodes: 500, bins: 2}]
metrics: {replicates: 200}
gates:
  - {kind: minimum, metric: dr_lift, at_least: 0, "on": bound}
  - {kind: minimum, metric: snips_lift, at_least: 0, "on": bound}
  - overlap
registries: [files]
explanations: {enabled: false}
"""


def make_contacts(home: Path, *, days: int) -> None:
    """Write `contacts.db` below `home` with the first `days` days, and the spec into its folder `pipelines`."""
    (home / "pipelines").mkdir(parents=True, exist_ok=True)
    (home / "pipelines" / "contacts.yaml").write_text(SPEC, encoding="utf-8")
    with closing(sqlite3.connect(home / "contacts.db")) as connection, connection:
        connection.execute("DROP TABLE IF EXISTS contacts")
        connection.execute("CREATE TABLE contacts (number, customer, contact, at, age, school, action, bought)")
        for index in range(days):
            connection.executemany("INSERT INTO contacts VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _contacts(index))


def _contacts(index: int) -> list[tuple[object, ...]]:
    random = np.random.default_rng([3, index])
    age = random.integers(18, 83, PER_DAY // 2).repeat(2)
    school = random.choice(["north", "south"], PER_DAY // 2).repeat(2)
    call = random.random(PER_DAY) < 0.5
    right = call == ((age > 50) == (index < CHANGE))
    bought = random.random(PER_DAY) < np.where(right, 0.5, 0.05)
    return [
        (
            index * 1000 + row,
            f"{index}-{row // 2}",
            1 + row % 2,
            f"{day(index)} {8 + row // 10:02d}:{row % 10:02d}:00",
            int(age[row]),
            str(school[row]),
            "call" if call[row] else "mail",
            "yes" if bought[row] else "no",
        )
        for row in range(PER_DAY)
    ]
