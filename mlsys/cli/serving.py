"""`mlsys serve`: the champions over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mlsys.server.apart import LoadsApart
    from mlsys.server.listening import Listening
    from mlsys.server.shelf import Broken, Shelf
    from mlsys.settings import Settings


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: MLSYS_SERVER_PORT, which is 8000.")
@click.option("--certificate", type=_FILE, help="Speak HTTPS with this certificate (PEM, with its chain).")
@click.option("--key", type=_FILE, help="The certificate's key, where it is not in the same file.")
@click.option("--proxy", "proxies", multiple=True, metavar="ADDRESS", help="A proxy whose X-Forwarded-* are believed.")
@click.option("--no-keys", "without_keys", is_flag=True, help="Whoever reaches the address may ask, without a key.")
@click.option("--only-with-keys", is_flag=True, help="Nobody may ask without a key; the first one may come later.")
def serve(
    host: str,
    port: int | None,
    *,
    certificate: Path | None,
    key: Path | None,
    proxies: tuple[str, ...],
    without_keys: bool,
    only_with_keys: bool,
) -> None:
    """Answer requests with the champions of all pipelines; a new champion takes over by itself.

    It ends with Ctrl-C or SIGTERM, after it has answered what is under way.
    """
    from mlsys.server.apart import LoadsApart

    with LoadsApart() as loads:  # loads its libraries while this process loads its own
        from mlsys.server.listening import Listening
        from mlsys.settings import load_settings

        settings = load_settings()
        port = port or settings.server_port
        at = Listening(host, port, certificate, key, tuple(proxies), without_keys, only_with_keys)
        _serve(at, settings, loads)


def _serve(at: Listening, settings: Settings, loads: LoadsApart) -> None:
    from mlsys.cli.logs import set_up
    from mlsys.server.allocating import frugal
    from mlsys.server.app import make_app
    from mlsys.server.door import guarded
    from mlsys.server.keys import KeyFile
    from mlsys.server.limits import ServerLimits
    from mlsys.server.listening import server, socket_of
    from mlsys.server.living import living
    from mlsys.server.metrics import Metrics
    from mlsys.settings import from_environment
    from mlsys.watchdog.kept import kept_gauges

    frugal()
    limits = from_environment(ServerLimits)
    keys = KeyFile(settings.server_keys)
    rule = at.rule(keys)
    listens = socket_of(at)
    set_up(settings.log_format, settings.log_level)
    with filled_shelf(settings, loads) as shelf, living(settings.root, lambda: shelf.work) as live:
        metrics = Metrics(shelf, [live], beside=partial(kept_gauges, settings.root))
        watchers = [metrics.answered, *live.watchers]
        app = make_app(shelf, watchers, beside=live.beside, settings=settings, most_rows=limits.rows)
        behind = guarded(app, metrics=metrics, keys=keys, rule=rule, limits=limits)
        with suppress(KeyboardInterrupt):  # told to end, and ended: uvicorn passes the signal on when it is done
            server(behind, at, limits).run([listens])


@contextmanager
def filled_shelf(settings: Settings, loads: LoadsApart | None = None) -> Iterator[Shelf]:
    """Give the champions of an installation; those of the file registry's links while its ledger is away."""
    from mlsys.errors import TransientError
    from mlsys.server.not_served import tell_not_served
    from mlsys.server.shelf import Shelf
    from mlsys.workspace import open_workspace

    def alarm(_: str, broken: Broken) -> None:
        tell_not_served(shelf.work, broken)

    with ExitStack() as opened:
        try:
            shelf = Shelf(opened.enter_context(open_workspace(settings)), alarm=alarm, loads=loads)
        except TransientError as error:
            shelf = Shelf(None, home=settings.root, alarm=alarm, loads=loads)
            shelf.note_away(error)
            shelf.fill_without_ledger()
        else:
            shelf.look()
        yield shelf
