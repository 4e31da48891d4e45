"""`mlsys serve`: the champions over HTTP."""

from __future__ import annotations

import click


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: MLSYS_SERVER_PORT, which is 8000.")
def serve(host: str, port: int | None) -> None:
    """Answer requests with the champions of all pipelines; a new champion takes over by itself."""
    import uvicorn

    from mlsys.cli.logs import set_up
    from mlsys.server.app import make_app
    from mlsys.server.shelf import Shelf
    from mlsys.settings import load_settings
    from mlsys.workspace import open_workspace

    settings = load_settings()
    set_up(settings.log_format, "INFO")
    with open_workspace(settings) as work:
        shelf = Shelf(work)
        shelf.refresh()
        uvicorn.run(make_app(shelf), host=host, port=port or settings.server_port, log_config=None, access_log=False)
