"""`mlsys serve`: the champions over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mlsys.server.shelf import Shelf
    from mlsys.settings import Settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: MLSYS_SERVER_PORT, which is 8000.")
def serve(host: str, port: int | None) -> None:
    """Answer requests with the champions of all pipelines; a new champion takes over by itself.

    It ends with Ctrl-C or SIGTERM, after it has answered what is under way.
    """
    import uvicorn

    from mlsys.cli.logs import set_up
    from mlsys.server.app import make_app
    from mlsys.server.living import living
    from mlsys.settings import load_settings

    settings = load_settings()
    set_up(settings.log_format, "INFO")
    with filled_shelf(settings) as shelf, living(settings.root, lambda: shelf.work) as live:
        uvicorn.run(
            make_app(shelf, live.watchers, choose=live.choose, settings=settings),
            host=host,
            port=port or settings.server_port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=20,
        )


@contextmanager
def filled_shelf(settings: Settings) -> Iterator[Shelf]:
    """Give the champions of an installation; those of the file registry's links while its ledger is away."""
    from mlsys.errors import TransientError
    from mlsys.server.shelf import Shelf
    from mlsys.workspace import open_workspace

    with ExitStack() as opened:
        try:
            shelf = Shelf(opened.enter_context(open_workspace(settings)))
        except TransientError as error:
            shelf = Shelf(None, home=settings.root)
            shelf.note_away(error)
            shelf.fill_without_ledger()
        else:
            shelf.look()
        yield shelf
