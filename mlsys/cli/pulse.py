"""`mlsys pulse` and `acknowledge`: whether anything has stopped, asked from outside, and who knows of it."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlsys.account import account
from mlsys.cli.facts import json_option, say_json
from mlsys.cli.instants import instant_ahead
from mlsys.cli.terminal import say
from mlsys.errors import UsageError

if TYPE_CHECKING:
    from mlsys.settings import Settings
    from mlsys.watchdog.pulse import Pulse


@click.command()
@click.option("--quiet", is_flag=True, help="Print troubles alone: cron sends a mail where anything was printed.")
@click.option(
    "--textfile",
    metavar="PATH",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the gauges here, too: NAME.prom in the folder that node_exporter reads.",
)
@click.option(
    "--last",
    metavar="DURATION",
    help="Do not look: say whether anybody has looked in this time, such as 30m. Reads one file, and no database.",
)
@click.option(
    "--every",
    metavar="DURATION",
    help="Stay, and look this often, such as 5m: for a container, which has no cron. Leaves when it is told to.",
)
@json_option
def pulse(quiet: bool, textfile: Path | None, last: str | None, every: str | None, as_json: bool) -> int:
    """Look whether anything has stopped: scheduler, DAGs, sources, labels, scores, monitors, clock, notices.

    Needs nothing of what it looks at to be alive. Exit code 4 where there is a trouble that nobody has acknowledged.
    Let cron or a timer ask every few minutes; docs/watching.md has the lines, and alarms for Prometheus.
    """
    from mlsys.cli.logs import set_up
    from mlsys.settings import load_settings

    if textfile is not None and textfile.suffix != ".prom":
        raise UsageError("node_exporter reads files called NAME.prom alone", where="--textfile", got=textfile)
    settings = load_settings()
    set_up(settings.log_format, "WARNING")
    if last is not None and every is not None:
        raise UsageError("Whether anybody looked is asked once", where="--last", got="--every beside it")
    if last is not None:
        return _last(settings, last, quiet=quiet, as_json=as_json)
    pause = None if every is None else _duration(every, where="--every")
    while pause is not None:
        _look(settings, textfile, quiet=quiet, as_json=as_json)
        time.sleep(pause.total_seconds())
    return _look(settings, textfile, quiet=quiet, as_json=as_json)


def _look(settings: Settings, textfile: Path | None, *, quiet: bool, as_json: bool) -> int:
    from mlsys.watchdog.pulse import take

    found = take(settings, copy=textfile)
    if as_json:
        say_json({"at": found.at, "signs": [sign.dump() for sign in found.signs], "metrics": found.metrics})
    else:
        _show(found, quiet=quiet)
    return 4 if found.alarms else 0


@click.command()
@click.argument("cause")
@click.argument("name", default="")
@click.option("--reason", default="", help="Why it may be as it is; shown wherever the trouble is.")
@click.option(
    "--until", metavar="TIME", help="When it alarms again: ISO 8601, UTC unless it has an offset; or 36h, 3d."
)
@click.option("--withdraw", "ends", is_flag=True, help="Let it alarm again at once.")
@json_option
def acknowledge(cause: str, name: str, reason: str, until: str | None, ends: bool, as_json: bool) -> None:
    """Say that you know of the trouble CAUSE (of the pipeline NAME): it is shown, and alarms nobody until its end."""
    from mlsys.settings import load_settings
    from mlsys.watchdog import acknowledged
    from mlsys.watchdog.acknowledged import Acknowledgement

    settings, word = load_settings(), acknowledged.require_cause(cause)
    if name:
        settings.spec_path(name)
    if ends:
        acknowledged.withdraw(settings.root, word, name)
        say_json({"withdrawn": f"{cause} {name}".rstrip()}) if as_json else say("It alarms again.")
        return
    if until is None:
        raise UsageError("An acknowledgement has an end", where="--until", remedy="--until 3d")
    end = instant_ahead(until, where="--until")
    given = Acknowledgement(cause=word, pipeline=name, who=account(), reason=reason, until=end)
    acknowledged.acknowledge(settings.make_home(), given)
    say_json(given.dump()) if as_json else say(f"{f'{cause} {name}'.rstrip()}: {given.sentence}")


def _last(settings: Settings, text: str, *, quiet: bool, as_json: bool) -> int:
    from mlsys import clock
    from mlsys.durations import in_words
    from mlsys.watchdog.pulse import last_pulse

    allowed = _duration(text, where="--last")
    at = last_pulse(settings.root)
    age = None if at is None else clock.now() - at
    well = age is not None and -timedelta(minutes=1) <= age <= allowed
    if as_json:
        say_json({"at": at, "ok": well})
    elif not (quiet and well):
        say(
            "Nobody has looked yet."
            if age is None
            else f"It was looked {in_words(age)} ago, at {at:%Y-%m-%d %H:%M} UTC."
        )
    return 0 if well else 4


def _duration(text: str, *, where: str) -> timedelta:
    from mlsys.durations import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(str(error), where=where, got=text) from None


def _show(found: Pulse, *, quiet: bool) -> None:
    for sign in found.signs:
        if quiet and not sign.alarms:
            continue
        mark = "ok" if sign.ok else "known" if sign.acknowledged else "TROUBLE"
        say(f"{mark:<8} {sign.name}: {sign.sentence}" + (f" ({sign.acknowledged})" if sign.acknowledged else ""))
    if not quiet:
        say(f"\nGauges: {found.metrics}")
