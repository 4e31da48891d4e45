"""`make demo STORY=1`: attackers change their tactics, and a model that answers requests is replaced while it answers.

The same commands that a person, cron or Airflow would give, one after another, on a home of its own; days of data pass
in seconds. A client asks the server about each day's websites without a pause.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click

from mlsys.cli.main import leave
from mlsys.cli.story_load import Day, Load, bodies
from mlsys.cli.terminal import say
from mlsys.errors import RunError
from mlsys.polling import ask_until
from mlsys.settings import Settings, load_settings

PIPELINE = "phishing"
LONGEST_DAYS = 14  # of the new tactics, before the story gives up
AFTER_DAYS = 2  # shown with the new champion
_HIDDEN = ("label", "labelled_at", "takedown_ticket", "observed_at")
# Windows of two days, so that two in a row alarm within a week; what trains is young; a fit takes seconds.
CHANGES: Mapping[str, Any] = {
    "split": {"kind": "recent_hash", "days": 4, "validation": 0.25, "holdout": 0.45, "train_window_days": 6},
    "models": [{"kind": "prior"}, {"kind": "logistic"}, {"kind": "xgboost", "n_estimators": 150, "max_depth": 3}],
    "monitors": {
        "watch": [
            {"kind": "estimated_metric", "window": "2d"},
            {"kind": "live_metric", "window": "2d", "tolerance": 0.02},
        ],
        "ask_after": 2,
        "of": 3,
    },
    "explanations": {"enabled": False},
}


@click.command()
def story() -> int:
    """Tell the story and leave; nothing of it stays but the folder that it names."""
    settings = load_settings()
    home = _home(settings)
    world = World(settings, home)
    began = time.monotonic()
    say(f"All of it happens in {home}; delete it when you like.\n")
    world.days_until(world.change_day)
    say("1. A first champion, on the month before.")
    world.retrain("the first one")
    with _server(world) as port:
        say(f"2. `mlsys serve` answers on port {port}; a client asks about each day's websites without a pause.\n")
        load = Load(port, f"/pipelines/{PIPELINE}/predict")
        with load.running():
            replaced = _tell(world, load)
    seconds = time.monotonic() - began
    say(f"\n{load.n_requests:,} requests, {load.n_failed} of them without an answer; {seconds:.0f} s.")
    say(f"The decisions: MLSYS_HOME={home} mlsys history {PIPELINE}")
    return 0 if replaced and not load.n_failed else 4


class World:
    """The story's home, its data as far as they have come, and the commands that are given in it."""

    def __init__(self, settings: Settings, home: Path) -> None:
        from mlsys.cli.sample_makers import load_maker

        self._maker, self.home = load_maker(settings, PIPELINE), home
        self.change_day: int = self._maker.CHANGE_DAY
        self._environment = {
            **os.environ,
            "MLSYS_HOME": str(home),
            "MLSYS_DATABASE": "sqlite",
            "MLSYS_PIPELINES": str(home / "pipelines"),
            "MLSYS_LOG_LEVEL": "ERROR",
        }
        _write_spec(settings.spec_path(PIPELINE), home / "pipelines")

    def days_until(self, index: int) -> None:
        """Let the database hold the days before an index."""
        self._maker.make(self.home / "samples", index)

    def day(self, index: int) -> date:
        """Return the date of a day."""
        first: date = self._maker.FIRST_DAY
        return first + timedelta(days=index)

    def requests(self, index: int) -> list[Any]:
        """Return what is asked on a day: its rows, without what is known later."""
        rows = self._maker.drop(index).to_dict("records")
        return bodies(rows, target="label", positive="phishing", hidden=_HIDDEN)

    def retrain(self, reason: str) -> dict[str, Any]:
        """Retrain as the nightly run does, and say what was decided."""
        done = self.call("run", PIPELINE, "--reason", reason, "--json")
        decision: dict[str, Any] = done["decision"]
        say(f"   {decision['outcome']}: {decision['sentence']}")
        return done

    def call(self, *words: str) -> dict[str, Any]:
        """Give a command and return its JSON.

        Raises:
            RunError: it failed.
        """
        command = [sys.executable, "-m", "mlsys", *words]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise RunError(f"`mlsys {' '.join(words)}` ended with {done.returncode}: {said}", where=str(self.home))
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def serve(self, port: int) -> subprocess.Popen[bytes]:
        """Start the server; its log lies in the home."""
        with (self.home / "server.log").open("wb") as log:
            command = [sys.executable, "-m", "mlsys", "serve", "--port", str(port)]
            return subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)


def _tell(world: World, load: Load) -> bool:
    """Let days pass until a new champion has answered for a while; return whether one came."""
    say("   day          says phishing is legitimate (FNR)   the other way (FPR)   answered by")
    asked_at = None
    for index in range(world.change_day - 2, world.change_day + LONGEST_DAYS):
        if index == world.change_day:
            say("3. Attackers change their tactics.")
        day = load.begin(world.requests(index))
        wait_for_answers(day, enough=2 * len(world.requests(index)))
        _show(world.day(index), day)
        world.days_until(index + 1)
        if asked_at is not None and index >= asked_at + AFTER_DAYS:
            return True
        if asked_at is None and index >= world.change_day and _asks(world, index):
            say("4. Retraining, because of it.")
            if world.retrain("the monitors asked for it")["decision"]["outcome"] == "promote":
                asked_at = index
                say("   The server takes the new champion over while it answers.")
    return False


def _asks(world: World, index: int) -> bool:
    """Let the monitors look at the day that has ended, say what they saw, and whether they ask for a retraining."""
    report = world.call("monitor", PIPELINE, "--day", str(world.day(index)), "--json")
    for result in report["results"]:
        say(f"     {result['state']:<12} {result['name']}: {_short(result['sentence'])}")
    asks: bool = report["asks_retraining"]
    if asks:
        say(f"   {report['sentence']}")
    return asks


def wait_for_answers(day: Day, *, enough: int) -> None:
    """Return when a day's rows have been answered so many times, or when it is clear that they won't be.

    Raises:
        RunError: a minute was not enough.
    """
    n_answered = ask_until(lambda n: n >= enough, lambda: sum(day.counts.values()), seconds=60, pause=0.1)
    if n_answered < enough:
        raise RunError("The server does not answer", where="requests", got=dict(day.failed))


def _show(of: date, day: Day) -> None:
    rates = (day.error_rate(positive=True), day.error_rate(positive=False))
    say(f"   {of}   {rates[0]:>33.1%}   {rates[1]:>19.1%}   {', '.join(day.versions)}")


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= 110 else sentence[:107] + "..."


def _write_spec(source: Path, folder: Path) -> None:
    import yaml

    spec = {**yaml.safe_load(source.read_text(encoding="utf-8")), **CHANGES}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / source.name).write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")


def _home(settings: Settings) -> Path:
    """Return a folder for this telling, beside those of earlier ones."""
    number, root = 1, settings.make_home()
    while (root / f"story-{number}").exists():
        number += 1
    home = root / f"story-{number}"
    home.mkdir(mode=0o700)
    return home


@contextmanager
def _server(world: World) -> Iterator[int]:
    """Have a server that is ready, and end it in order."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    process = world.serve(port)
    try:
        wait_until_ready(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when the server has a verified model.

    Raises:
        RunError: it ended, or a minute was not enough.
    """
    import httpx

    def ready() -> bool:
        if process.poll() is not None:
            raise RunError(f"The server ended with {process.returncode}", where="mlsys serve", remedy="See its log")
        try:
            return httpx.get(f"http://127.0.0.1:{port}/ready").status_code == 200
        except httpx.TransportError:
            return False

    if not ask_until(bool, ready, seconds=60, pause=0.1):
        raise RunError("The server is not ready after a minute", where="mlsys serve", remedy="See its log")


if __name__ == "__main__":
    leave(story, done="mlsys: exit code 0 (done)")
