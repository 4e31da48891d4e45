"""Whether plans keep what they promise: of changes of the samples' specs, how often the realised gain lies inside.

    make bench-plans
    make bench-plans ARGS="--changes 2 --days 10"

For each change the plan is made over some days, and the same number of days after them is what it realised: both specs
go on retraining nightly, each behind its own gates. Beside it both intervals on made-up days whose dependence is known.
Candidates are a baseline and a logistic regression, so that a year of nights costs minutes. Writes
bench/results-plans.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from run import HERE, heading
from scipy.stats import t

from mlsys import pipeline
from mlsys.changes.applying import written
from mlsys.changes.gain import draws_of_days
from mlsys.changes.records import WalkedPair
from mlsys.changes.spec_plan import plan_of
from mlsys.changes.walked import Days
from mlsys.cli.sample_makers import make_sample
from mlsys.planning.plan import RunRequest
from mlsys.settings import load_settings
from mlsys.store import write_atomically
from mlsys.workspace import Workspace, open_workspace

FIRST = date(2026, 4, 5)  # after the change in the sample phishing
BASE = {
    "phishing": (
        "models=[{kind: prior}, {kind: logistic}]",
        "features={kind: tabular, clip: 10}",
        "drop=[takedown_ticket, urls]",
        "gates.0.at_least=0.6",  # what a logistic regression reaches after the change
        "registries=[files]",
        "explanations.enabled=false",
    ),
    "leads": (
        "models=[{kind: prior}, {kind: logistic}]",
        "joins=[]",
        "gates.0.at_least=0.06",
        "gates.1.at_least=0.55",
        "registries=[files]",
        "explanations.enabled=false",
    ),
}
CHANGES = {
    "phishing": (
        "models.1.C=0.1",
        "models.1.C=0.01",
        "models.1.C=0.001",
        "features.clip=3",
        "features.missing_indicators=false",
        "drop=[takedown_ticket, urls, domain_age_days]",
        "drop=[takedown_ticket, urls, obfuscated_share]",
        "drop=[takedown_ticket, urls, registrar, hosting_country, brand]",
        "split.train_window_days=9",
        "gates.1.margin=0.01",
    ),
    "leads": (
        "models.1.C=0.1",
        "models.1.C=0.01",
        "models.1.C=0.001",
        "features.clip=3",
        "features.missing_indicators=false",
        "drop=[demo_requested]",
        "drop=[n_emails_opened]",
        "drop=[country, industry]",
        "gates.2.margin=0.01",
        "gates.3.rows=2000",
    ),
}
ABOUT = (
    "# Plans",
    "",
    "Written by `make bench-plans`: what `mlsys plan --backfill` says of a change, and what the days after it show.",
)


@dataclass(frozen=True)
class Kept:
    """What a plan promised of a change, and what came; `realised` is None where nothing could be measured."""

    sample: str
    change: str
    planned: WalkedPair
    realised: float | None

    @property
    def inside(self) -> bool | None:
        """Whether what came lies where it was expected."""
        found = self.planned.earned
        if self.realised is None or found.next_lower is None or found.next_upper is None:
            return None
        return found.next_lower <= self.realised <= found.next_upper

    def row(self) -> str:
        """Return the change as a row of a table."""
        found = self.planned.earned
        said = "–" if found.difference is None else f"{found.difference:+.4f}"
        interval = "–" if found.lower is None else f"{found.lower:+.4f} to {found.upper:+.4f}"
        expected = "–" if found.next_lower is None else f"{found.next_lower:+.4f} to {found.next_upper:+.4f}"
        came = "–" if self.realised is None else f"{self.realised:+.4f}"
        kept = {True: "yes", False: "**no**", None: "–"}[self.inside]
        times = f"{len(self.planned.promotions_after)} instead of {len(self.planned.promotions_before)}"
        return f"| {self.sample} | `{self.change}` | {said} | {interval} | {times} | {expected} | {came} | {kept} |"


def measured(work: Workspace, name: str, changes: Sequence[str], n_days: int) -> Iterator[Kept]:
    """Yield what became of each change of a sample's spec."""
    last = FIRST + timedelta(days=n_days - 1)
    for change in changes:
        begun = time.process_time() + sum(os.times()[2:4])
        planned = plan_of(work, name, overrides=[change], days=Days(FIRST, last)).walked
        after = plan_of(work, name, overrides=[change], days=Days(FIRST, last + timedelta(days=n_days))).walked
        assert planned is not None
        assert after is not None
        found = Kept(name, change, planned, realised(after, last))
        seconds = time.process_time() + sum(os.times()[2:4]) - begun
        print(f"bench: {seconds:.0f} s CPU {found.row()}", file=sys.stderr, flush=True)
        yield found


def realised(walked: WalkedPair, last: date) -> float | None:
    """Return what a change earned on the days after `last`, in their mean weighted by rows."""
    sign = 1.0 if walked.higher else -1.0
    days = [
        (sign * (day.after - day.before), day.n_rows)
        for day in walked.daily
        if day.day > last and day.before is not None and day.after is not None
    ]
    return float(np.average([earned for earned, _ in days], weights=[n for _, n in days])) if days else None


def coverage(n_days: int, correlation: float, *, n_worlds: int = 600) -> tuple[float, float]:
    """Return how often both intervals hold what they promise on made-up days, of which each is like the one before."""
    random = np.random.default_rng([n_days, round(100 * correlation)])
    noise = random.normal(size=(n_worlds, 2 * n_days + 50))
    days = np.zeros_like(noise)
    for at in range(1, noise.shape[1]):
        days[:, at] = correlation * days[:, at - 1] + noise[:, at]
    days = days[:, 50:] + random.normal(size=(n_worlds, 2 * n_days))  # rows of a day vary, too
    draws = draws_of_days(n_days, 300, seed=1) / n_days
    blocks = n_days / max(1, round(n_days**0.5))
    mean, spread = days[:, :n_days].mean(axis=1), (days[:, :n_days] @ draws.T).std(axis=1, ddof=1)
    half = t.ppf(0.975, blocks - 1) * spread * np.sqrt(blocks / (blocks - 1))
    ahead = np.abs(mean - days[:, n_days:].mean(axis=1)) <= half * np.sqrt(2)
    return float((np.abs(mean) <= half).mean()), float(ahead.mean())


def prepared(name: str, folder: Path, n_days: int) -> None:
    """Make a sample with a quick spec, and one live run by it."""
    specs = folder / "pipelines"
    specs.mkdir(exist_ok=True)
    path = specs / f"{name}.yaml"
    path.write_text((HERE.parent / "include" / "pipelines" / f"{name}.yaml").read_text(encoding="utf-8"), "utf-8")
    path.write_text(written(path, BASE[name]), encoding="utf-8")
    settings = load_settings()
    settings.make_home()
    needed = (FIRST - date(2026, 3, 1)).days + 2 * n_days + 1
    make_sample(settings, name, days=needed, target=settings.root / "samples", options={})


def lines_of(kept: Sequence[Kept]) -> Iterator[str]:
    """Yield the tables."""
    judged = [each for each in kept if each.inside is not None]
    inside = sum(bool(each.inside) for each in judged)
    yield f"The realised gain lies where it was expected in **{inside} of {len(judged)}** changes."
    yield ""
    yield "| sample | change | planned | 95 % interval | promotions | next days expected | came | inside |"
    yield "|---|---|---|---|---|---|---|---|"
    yield from (each.row() for each in kept)
    yield from ("", "## Intervals on made-up days", "")
    yield "Of 600 worlds the share whose truth the interval holds, and whose next days, as many, lie as expected."
    yield ""
    yield "| days | neighbours' correlation | 95 % interval | next days |"
    yield "|---|---|---|---|"
    for n_days in (10, 15, 30, 60):
        for correlation in (0.0, 0.5, 0.8):
            found = coverage(n_days, correlation)
            yield f"| {n_days} | {correlation} | {found[0]:.1%} | {found[1]:.1%} |"


def main() -> None:
    """Measure, print, and write bench/results-plans.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=25, help="changes of each sample at most (default 25)")
    parser.add_argument("--days", type=int, default=12, help="days of a plan, and after it (default 12)")
    parser.add_argument("--samples", default=",".join(BASE), help="which samples (default all)")
    arguments = parser.parse_args()
    lines, kept = heading(*ABOUT), []
    with tempfile.TemporaryDirectory(prefix="mlsys-bench-") as folder:
        home = Path(folder)
        os.environ |= {"MLSYS_HOME": folder, "MLSYS_DATABASE": "sqlite", "MLSYS_PIPELINES": f"{home / 'pipelines'}"}
        for name in arguments.samples.split(","):
            prepared(name, home, arguments.days)
            with open_workspace() as work:
                pipeline.run(work, RunRequest(name, day=FIRST - timedelta(days=1)))
                kept += list(measured(work, name, CHANGES[name][: arguments.changes], arguments.days))
    lines += [f"Plans over {arguments.days} days from {FIRST} on, and as many days after them.", ""]
    lines += list(lines_of(kept))
    print("\n".join(lines))
    write_atomically(HERE / "results-plans.md", ("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
