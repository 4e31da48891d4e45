"""When a retraining is asked for: K of the newest N windows alarmed, the newest is one, and none was asked for lately.

Windows of neighbouring nights share all days but one, so that a second alarm would confirm the first one's luck. Those
that count share no day: they lie at least one window apart. The look itself is taken every night.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from mlsys.records.monitoring import MonitorReport, MonitorResult, MonitorState
from mlsys.wording import counted

if TYPE_CHECKING:
    from mlsys.spec.watching import Monitors


@dataclass(frozen=True)
class Asking:
    """What the newest windows amount to.

    Attributes:
        n_alarmed, n_windows: of so many windows that share no day, the newest one included, so many alarmed.
        asks: a retraining is asked for.
        asked_on: the day whose report asked for one so lately that none is asked for again, or None.
        again_on: the first day on which one may be asked for again, or None.
    """

    n_alarmed: int
    n_windows: int
    asks: bool
    asked_on: date | None = None
    again_on: date | None = None

    @property
    def sentence(self) -> str:
        """The windows and the wish in words."""
        windows = f"{self.n_alarmed} of the newest {counted(self.n_windows, 'window')} of this champion alarmed"
        wish = "a retraining is asked for" if self.asks else "no retraining is asked for"
        if self.asked_on is not None:
            wish += f", for one was on {self.asked_on}; from {self.again_on} on it may be again"
        return f"{windows[0].upper()}{windows[1:]}: {wish}."


def asking(
    state: MonitorState,
    results: Iterable[MonitorResult],
    earlier: Iterable[MonitorReport],
    *,
    day: date,
    champion: str,
    rule: Monitors,
) -> Asking:
    """Return what the window of a day and those before it amount to.

    Args:
        state: of the newest window.
        results: its findings; one that rests on several windows counts as so many.
        earlier: reports of days before, newest first; those of other champions count for the cool-down alone.
        day: last day of the newest window.
        champion: who is watched.
        rule: the spec's.
    """
    length = max(each.window for each in rule.watch)
    states, last, asked_on = [state], day, None
    for report in earlier:
        assert report.day is not None
        if report.asks_retraining and asked_on is None:
            asked_on = report.day
        if report.champion == champion and report.day <= last - length and len(states) < rule.of:
            states.append(report.state)
            last = report.day
        if len(states) == rule.of and report.day <= day - rule.cool_down:
            break
    rests_on = min(rule.of, max((r.n_windows for r in results if r.counts_as == "alarm"), default=1))
    n_alarmed = max(states.count("alarm"), rests_on if state == "alarm" else 0)
    wanted = state == "alarm" and n_alarmed >= rule.ask_after
    cooling = wanted and asked_on is not None and asked_on > day - rule.cool_down
    return Asking(
        n_alarmed=n_alarmed,
        n_windows=max(len(states), rests_on),
        asks=wanted and not cooling,
        asked_on=asked_on if cooling else None,
        again_on=asked_on + rule.cool_down if cooling and asked_on else None,
    )
