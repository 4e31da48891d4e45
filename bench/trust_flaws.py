"""Flaws of data: twenty honest sets without an alarm, and each flaw planted into them; writes bench/results-flaws.md.

    make bench-flaws

The honest sets are the samples of mlsys, real sets that come with scikit-learn, and worlds that are made here: two
classes, several, and numbers; rare classes, few and many columns, gaps, coarse columns, strong ones. Into each of them
each flaw is planted, twice with other draws.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from mlsys.flaws import FLAWS
from mlsys.flaws.rows import Inspected
from mlsys.testing.flaws import frame
from mlsys.testing.planted import PLANTED, Honest

HERE = Path(__file__).resolve().parent
SAMPLES = ("phishing", "housing", "leads", "network_security", "next_best_action")
DRAWS = 2
SAMPLED = 10_000  # as `mlsys.inspection.rows` draws of two classes
ABOUT = (
    "# Flaws of data",
    "",
    "Written by `make bench-flaws`. Honest sets first: what the looks at them say at the default severity; then",
    f"each flaw planted into each made and real set, {DRAWS} times with other draws, where it can be there at all.",
    "The constant of the sample `next_best_action` is a true finding: its column `had_manager` never varies.",
)


def two_classes(seed: int = 1) -> Iterator[tuple[str, Honest]]:
    """Yield worlds of two classes: nothing is wrong with them."""
    random, names = np.random.default_rng(seed), ("no", "yes")
    for name, n_rows, share in (("mixed columns", 4000, 0.5), ("few rows", 700, 0.4), ("one in fifty", 8000, 0.02)):
        columns, signal = frame(n_rows, seed=seed)
        noisy = signal + random.normal(0, 1, n_rows)
        y = (noisy > np.quantile(noisy, 1 - share)).astype(np.int64)
        yield f"two classes, {name}", Honest(columns, y, names, scores=1 / (1 + np.exp(-signal)))
    columns, signal = frame(4000, seed=seed + 1)
    columns.loc[random.random(4000) < np.where(signal > 0, 0.35, 0.15), "age"] = np.nan
    y = (signal + random.normal(0, 1, 4000) > 0).astype(np.int64)
    yield "two classes, gaps that say something", Honest(columns, y, names, scores=1 / (1 + np.exp(-signal)))
    marker = y * 2.7 + random.normal(0, 1, 4000)  # ROC-AUC .97, as a good marker in medicine
    yield "two classes, one strong column", Honest(columns.assign(marker=marker), y, names, scores=marker / 20)
    coarse = pd.DataFrame({f"answer_{place}": random.integers(-1, 2, 5000).astype(float) for place in range(8)})
    y = (coarse.sum(axis=1).to_numpy() + random.normal(0, 2, 5000) > 0).astype(np.int64)
    yield "two classes, eight coarse answers", Honest(coarse, y, names)
    wide = pd.DataFrame(random.normal(size=(3000, 60)), columns=[f"gene_{place}" for place in range(60)])
    y = (wide.iloc[:, :5].sum(axis=1).to_numpy() + random.normal(0, 1, 3000) > 0).astype(np.int64)
    yield "two classes, sixty columns", Honest(wide, y, names)
    rising = np.linspace(10, 30, 4000) + random.normal(0, 1, 4000)
    drift = pd.DataFrame({"price": rising, "n": random.poisson(4, 4000).astype(float)})
    y = (drift.n.to_numpy() + random.normal(0, 2, 4000) > 4).astype(np.int64)
    yield "two classes, a column that rises with the days", Honest(drift, y, names)


def several_and_numbers(seed: int = 2) -> Iterator[tuple[str, Honest]]:
    """Yield worlds of several classes, and of numbers."""
    random = np.random.default_rng(seed)
    columns, signal = frame(4000, seed=seed + 2)
    y = np.digitize(signal + random.normal(0, 1, 4000), np.quantile(signal, [0.2, 0.5, 0.9])).astype(np.int64)
    yield "four classes in an order", Honest(columns, y, ("a", "b", "c", "d"))
    centres = random.normal(0, 1.5, (6, 5))
    y = random.choice(6, 4000, p=[0.3, 0.25, 0.2, 0.12, 0.08, 0.05]).astype(np.int64)
    points = pd.DataFrame(centres[y] + random.normal(size=(4000, 5)), columns=list("pqrst"))
    yield "six classes around centres", Honest(points, y, tuple("uvwxyz"))
    columns, signal = frame(4000, seed=seed + 3)
    yield "numbers, mixed columns", Honest(columns, signal + random.normal(0, 1, 4000), scores=signal)
    skewed = np.exp(signal + random.normal(0, 1, 4000))
    yield "numbers, skewed", Honest(columns, skewed, scores=np.exp(signal))
    hour, month = (random.integers(low, high, 5000).astype(float) for low, high in ((0, 24), (1, 13)))
    shape = np.sin(hour / 24 * 2 * np.pi) + np.cos(month / 12 * 2 * np.pi)
    seasons = pd.DataFrame({"hour": hour, "month": month, "load": random.gamma(2, 2, 5000)})
    noisy = shape + random.normal(0, 0.5, 5000)
    yield "numbers, hours and months", Honest(seasons, noisy, (), {"hour": "integer", "month": "integer"}, scores=shape)
    x = random.normal(0, 1, 3000)
    plain = pd.DataFrame({"x": x, "z": x**2 + random.normal(0, 1, 3000)})
    yield "numbers, not by days", Honest(plain, x * 2 + random.normal(0, 1, 3000), timed=False)


def real() -> Iterator[tuple[str, Honest]]:
    """Yield the real sets of scikit-learn, shuffled, as tables without times."""
    from sklearn import datasets

    for name in ("breast_cancer", "wine", "digits", "diabetes"):
        data = getattr(datasets, f"load_{name}")(as_frame=True)
        order = np.random.default_rng(0).permutation(len(data.target))
        columns = data.data.iloc[order].reset_index(drop=True).astype(float)
        # Columns that hardly vary are left out: four pixels of the digits are constant, which is a true finding.
        columns = columns.rename(columns=str).loc[:, columns.std().to_numpy() > 0.03]
        y = data.target.to_numpy()[order]
        if name == "diabetes":
            yield name, Honest(columns, y.astype(float), timed=False)
        else:
            classes = tuple(str(each) for each in data.target_names)
            yield name, Honest(columns, y.astype(np.int64), classes, timed=False)


def sampled(home: Path) -> Iterator[tuple[str, Inspected]]:
    """Yield the rows of mlsys's samples as a run looks at them."""
    os.environ["MLSYS_HOME"] = str(home)
    from mlsys import pipeline
    from mlsys.cli.sample_makers import make_sample
    from mlsys.evaluation.comparison import Assessment
    from mlsys.inspection.rows import inspected
    from mlsys.planning.plan import RunRequest
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        for name in SAMPLES:
            make_sample(work.settings, name, days=60, target=home / "samples")
            start = pipeline.take_snapshot(work, RunRequest(name, mode="dry"))
            assert start.plan is not None
            assert start.snapshot is not None
            checks = pipeline.validate(work, start.plan, start.snapshot)
            prepared = pipeline.split(work, start.plan, start.snapshot, checks)
            nothing = Assessment((), (), None, {}, "")
            yield name, inspected(work.spec_of(start.plan), prepared, nothing, reference=None, store=work.store)


def decidable(what: str, kind: str, honest: Honest) -> bool:
    """Return whether a flaw can be in a set at all: some take days, or a model's scores."""
    newest = what in ("without signal on the newest rows", "labels turned on the newest rows")
    return (honest.timed or not newest) and (kind != "collapsed_scores" or (honest.scores is not None and honest.timed))


def looked_at(rows: Inspected) -> tuple[list[str], float]:
    """Return what is found, and the CPU seconds of all looks."""
    begun = time.process_time()
    found = [finding.flaw for kind in FLAWS for finding in kind().look(rows)]  # type: ignore[call-arg]
    return found, time.process_time() - begun


def large() -> float:
    """Return the CPU seconds of all looks at 200,000 rows of 30 columns, as a run samples them."""
    random = np.random.default_rng(4)
    columns = {f"x{place}": random.normal(size=200_000) for place in range(20)}
    texts = np.array(["red", "green", "blue", "grey"], dtype=object)
    columns |= {f"c{place}": texts[random.integers(0, 4, 200_000)] for place in range(10)}
    table = pd.DataFrame(columns)
    y = (table.x0.to_numpy() + random.normal(size=200_000) > 0).astype(np.int64)
    made = Honest(table, y, ("no", "yes")).rows()
    keep = np.zeros(200_000, dtype=bool)
    keep[random.choice(200_000, SAMPLED, replace=False)] = True
    return looked_at(replace(made, sample=made.sample.where(keep)))[1]


def report(sets: dict[str, Honest], samples: list[tuple[str, list[str], float]], seconds: float) -> str:
    """Return the page of all results."""
    lines = [*ABOUT, "", "| Honest set | Rows | Columns | Alarms | CPU s |", "|---|---|---|---|---|"]
    for name, found, cost in samples:
        lines.append(f"| sample `{name}` | | | {', '.join(found) or 'none'} | {cost:.2f} |")
    for name, honest in sets.items():
        found, cost = looked_at(honest.rows())
        lines.append(
            f"| {name} | {len(honest.y):,} | {honest.columns.shape[1]} | {', '.join(found) or 'none'} | {cost:.2f} |"
        )
    lines += ["", f"200,000 rows of 30 columns: {seconds:.2f} CPU seconds for all looks.", ""]
    lines += ["| Planted | Found by | Found | Missed in |", "|---|---|---|---|"]
    for what, (kind, plant) in PLANTED.items():
        flaw, missed, n = FLAWS.parse(kind), Counter[str](), 0
        for name, honest in sets.items():
            for draw in range(DRAWS if decidable(what, kind, honest) else 0):
                n += 1
                missed[name] += not list(flaw.look(plant(honest, np.random.default_rng(draw))))
        where = "; ".join(f"{name} ({times})" for name, times in missed.items() if times)
        lines.append(f"| {what} | `{kind}` | {n - missed.total()} of {n} | {where or 'none'} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Look at all sets and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE / "results-flaws.md")
    out = parser.parse_args().out
    sets = dict([*two_classes(), *several_and_numbers(), *real()])
    with tempfile.TemporaryDirectory() as folder:
        samples = [(name, *looked_at(rows)) for name, rows in sampled(Path(folder))]
    out.write_text(report(sets, samples, large()), encoding="utf-8")
    print(out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
