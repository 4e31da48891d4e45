"""Makes `next_best_action/contacts-YYYY-MM-DD.xlsx`: contacts of a school's sales team with leads, a workbook a day.

Each row is one contact: what was known of the lead before, the action that was taken, and whether the lead subscribed
after it. In each stage one action is right, and for leads that are not active any more it is `follow_up`; it makes a
subscription several times as likely. Country and school matter too, whatever is done. `true_probability` is exact.
From `change_day` on, where one is asked for, the right action is that of the next stage; sales goes on as before.

Who decided looked at stage and country alone, took the right action more often than others, and every action sometimes:
so what history did can be told apart from what its leads were like. Without `signal` no action is better than another.

Leads that begin on day k are drawn from `[seed, k]` alone, with all of their contacts; a day's workbook holds those of
the leads of the last days. What such exports do stands in it as well: a title above the header, a contact without an
action, one with an action that nobody knows, days that are not numbers.
"""

import io
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd

from mlsys.store import write_atomically

FIRST_DAY = date(2026, 3, 1)
LEADS_PER_DAY = 70
SEED = 20260306
FOLDER = "next_best_action"
MOST_CONTACTS, LONGEST = 4, 9  # contacts of a lead; days between its first and its last one

STAGES = ("new", "called", "demo_seen", "surveyed", "signed_up")
ACTIONS = ("first_call", "demo", "survey", "sign_up", "manager_call", "follow_up")
RIGHT = {"new": 0, "called": 1, "demo_seen": 2, "surveyed": 3, "signed_up": 4}
INACTIVE = 5  # the action that is right for leads that are not active, whatever the stage
HAD = ("had_first_call", "had_demo", "had_survey", "had_sign_up", "had_manager")

# name: (share of leads, factor of a subscription)
COUNTRIES = {"DE": (0.30, 1.1), "AT": (0.15, 0.9), "CH": (0.15, 1.4), "FR": (0.25, 0.7), "IT": (0.15, 1.0)}
_FACTORS = (0.95, 0.5, 1.32, 0.77, 1.5, 1.05, 0.59, 1.23, 0.86, 1.41, 0.68, 1.14)
SCHOOLS = {f"B{number}": (1 / 12, factor) for number, factor in enumerate(_FACTORS, 1)}
P_RIGHT, P_WRONG, P_EVERY = 0.28, 0.06, 0.11  # of a subscription by an average lead; the last one without a signal

COLUMNS = (
    "contact_id", "customer_id", "contact", "contacted_at", "country", "school", "stage", "active", "days_since_first",
    "days_since_last", "days_between", "contact_frequency", *HAD, "stages_completed", "action", "subscribed",
)  # fmt: skip

Values = np.ndarray[Any, np.dtype[Any]]  # `(n_rows,)`


def make(target: Path, days: int, *, seed: int = SEED, signal: bool = True, change_day: int = 0) -> str:
    """Bring `target/next_best_action` to at least `days` daily workbooks; files that exist are not touched.

    Args:
        target: folder of the samples.
        days: from the first on.
        seed: of all draws.
        signal: whether it matters what is done; without, no policy is better than another.
        change_day: index of the day from which on other actions are right; 0 for never.

    Raises:
        ValueError: fewer than one day.
        OSError: the folder is not writable, or the disk is full.
    """
    if days < 1:
        raise ValueError(f"A sample has at least one day, not {days}")
    folder = target / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    missing = [day for day in range(days) if not _path(folder, day).exists()]
    known: dict[int, pd.DataFrame] = {}
    for day in missing:
        write_atomically(_path(folder, day), drop(day, seed=seed, signal=signal, change_day=change_day, known=known))
    n_files = len(list(folder.glob("contacts-????-??-??.xlsx")))
    return f"{folder} holds {n_files} daily workbooks of contacts, from {FIRST_DAY} on."


def drop(
    day: int,
    *,
    seed: int = SEED,
    signal: bool = True,
    change_day: int = 0,
    known: dict[int, pd.DataFrame] | None = None,
) -> bytes:
    """Return a day's workbook; `known` keeps the leads of days that were drawn already."""
    rows = contacts(day, seed=seed, signal=signal, change_day=change_day, known=known).astype(object)
    random = np.random.default_rng([seed, day + 10_000, 1])
    odd = random.choice(len(rows), 3, replace=False)
    if random.random() < 0.3:
        rows.loc[odd[0], "action"] = None
    if random.random() < 0.3:
        rows.loc[odd[1], "action"] = "sent a card"
    if random.random() < 0.3:
        rows.loc[odd[2], "days_since_first"] = "a while"
    return workbook(rows)


def contacts(
    day: int,
    *,
    seed: int = SEED,
    signal: bool = True,
    change_day: int = 0,
    known: dict[int, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Return the contacts of a day, without the odd ones: columns in the order of the workbook's."""
    known = {} if known is None else known
    found = []
    for begun in range(day - LONGEST, day + 1):
        if begun not in known:
            known[begun] = journeys(LEADS_PER_DAY, begun, seed=seed, signal=signal, change_day=change_day)
        found.append(known[begun][known[begun]["day"] == day])
    rows = pd.concat(found, ignore_index=True)
    rows["contact_id"] = [f"{name}-{number}" for name, number in zip(rows["customer_id"], rows["contact"], strict=True)]
    random = np.random.default_rng([seed, day + 10_000, 2])
    minutes = np.sort(random.integers(8 * 60, 18 * 60, len(rows)))
    midnight = datetime.combine(FIRST_DAY + timedelta(days=day), datetime.min.time())
    rows["contacted_at"] = [midnight + timedelta(minutes=int(minute)) for minute in minutes]
    return rows[list(COLUMNS)]


def journeys(
    n: int, day: int, *, seed: int, signal: bool = True, change_day: int = 0, chosen: Any = None
) -> pd.DataFrame:
    """Return all contacts of `n` leads that begin on a day, with the `day` of each.

    `chosen` takes the rows of leads before their next contact, `(n, )`, and returns their actions' numbers; by default
    they are drawn as the sales team does.
    """
    random = np.random.default_rng([seed, day + 10_000])
    state = _leads(random, n, day)
    at, last, gaps = np.full(n, day), np.full(n, day), np.zeros(n)
    going, parts = np.ones(n, dtype=bool), []
    for number in range(1, MOST_CONTACTS + 1):
        before = state.assign(
            contact=number,
            day=at,
            days_since_first=(at - day).astype(float),
            days_since_last=(at - last).astype(float),
            days_between=gaps / max(1, number - 1),
            contact_frequency=number / (at - day + 1.0),
            stages_completed=state[list(HAD)].sum(axis=1).astype(float),
        )
        shares = history(before)
        drawn = (random.random((n, 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(max=len(ACTIONS) - 1)
        action = drawn if chosen is None else np.asarray(chosen(before))
        success = random.random(n) < true_probability(before, action, signal=signal, change_day=change_day)
        taken = np.array(ACTIONS, dtype=object)[action]
        parts.append(before.assign(action=taken, subscribed=success)[going])
        state = _after(state, action, random)
        last, gap = at, random.integers(1, 4, n)
        at, gaps = at + gap, gaps + gap
        going &= ~success & (random.random(n) < 0.75)
    return pd.concat(parts, ignore_index=True)


def history(before: pd.DataFrame) -> Values:
    """Return `(n_rows, n_actions)` chances with which the sales team takes each action, by stage and country."""
    right = before["stage"].map(RIGHT).to_numpy()
    eager = np.where(np.isin(before["country"], ("CH", "DE")), 0.34, 0.22)  # good countries have good salespeople
    shares = np.repeat(((1 - eager) / (len(ACTIONS) - 1))[:, None], len(ACTIONS), axis=1)
    shares[np.arange(len(right)), right] = eager
    return shares


def best_action(before: pd.DataFrame, *, change_day: int = 0) -> Values:
    """Return `(n_rows,)` numbers of the right actions."""
    active, right = before["active"].to_numpy(dtype=bool), before["stage"].map(RIGHT).to_numpy()
    if change_day:
        right = np.where(before["day"].to_numpy() >= change_day, (right + 1) % len(STAGES), right)
    return np.where(active, right, INACTIVE)


def true_probability(before: pd.DataFrame, action: Values, *, signal: bool = True, change_day: int = 0) -> Values:
    """Return `(n_rows,)` P(subscribed | all that the workbook shows of a contact, action)."""
    factor = np.ones(len(before))
    for name, table in (("country", COUNTRIES), ("school", SCHOOLS)):
        factor = factor * before[name].map({key: each for key, (_, each) in table.items()}).to_numpy(dtype=float)
    right = action == best_action(before, change_day=change_day)
    base = np.where(right, P_RIGHT, P_WRONG) if signal else np.full(len(before), P_EVERY)
    return np.minimum(0.95, base * factor)


def workbook(rows: pd.DataFrame) -> bytes:
    """Return an .xlsx file of one sheet: a title, the header in row 3, then the rows; the same rows, the same bytes."""
    lines = [["Contacts of the sales team, exported by the CRM"], [], list(rows.columns), *rows.to_numpy().tolist()]
    sheet = "".join(
        f'<row r="{number}">{"".join(_cell(value, number, place) for place, value in enumerate(line))}</row>'
        for number, line in enumerate(lines, 1)
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName='
        '"/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/styles.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type='
        f'"{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="Contacts" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type='
        f'"{office}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="{office}/styles" '
        'Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{main}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22"/>'
        "</cellXfs></styleSheet>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>',
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name)  # of 1980, whenever it is made
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return buffer.getvalue()


def _cell(value: Any, row: int, place: int) -> str:
    where = f'r="{chr(ord("A") + place)}{row}"'
    if value is None:
        return ""
    if isinstance(value, bool | np.bool_):
        return f'<c {where} t="b"><v>{int(value)}</v></c>'
    if isinstance(value, datetime):
        days = (value - datetime.fromisoformat("1899-12-30")) / timedelta(days=1)
        return f'<c {where} s="1"><v>{days!r}</v></c>'
    if isinstance(value, str):
        return f'<c {where} t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f"<c {where}><v>{float(value):.10g}</v></c>"


def _leads(random: np.random.Generator, n: int, day: int) -> pd.DataFrame:
    active = random.random(n) < 0.75
    stage = random.choice(len(STAGES), n, p=[0.5, 0.2, 0.15, 0.1, 0.05])
    columns: dict[str, Any] = {
        "customer_id": [f"C{(day + 100) * 1000 + number}" for number in range(n)],
        "country": random.choice(list(COUNTRIES), n, p=[share for share, _ in COUNTRIES.values()]),
        "school": random.choice(list(SCHOOLS), n),
        "stage": np.array(STAGES, dtype=object)[stage],
        "active": active,
        **{name: stage > place for place, name in enumerate(HAD)},
    }
    return pd.DataFrame(columns).astype(dict.fromkeys(("customer_id", "country", "school"), object))


def _after(state: pd.DataFrame, action: Values, random: np.random.Generator) -> pd.DataFrame:
    """Return leads after a contact: the right action of a stage leads to the next one more often than others."""
    place = state["stage"].map(RIGHT).to_numpy()
    moves = random.random(len(state)) < np.where(action == place, 0.8, 0.25)
    then = np.minimum(place + moves, len(STAGES) - 1)
    had = {name: state[name].to_numpy() | (then > number) for number, name in enumerate(HAD)}
    return state.assign(stage=np.array(STAGES, dtype=object)[then], **had)


def _path(folder: Path, day: int) -> Path:
    return folder / f"contacts-{FIRST_DAY + timedelta(days=day)}.xlsx"
