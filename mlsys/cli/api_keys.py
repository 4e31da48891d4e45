"""`mlsys keys`: who may ask the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlsys.cli.facts import json_option, say_json
from mlsys.cli.instants import instant_ahead
from mlsys.cli.terminal import say, show_table
from mlsys.wording import counted, number

if TYPE_CHECKING:
    from mlsys.server.keys import Key


@click.group()
def keys() -> None:
    """API keys of the server: make, list and revoke them; a running server takes them over by itself."""


@keys.command()
@click.argument("client")
@click.option(
    "--scope", type=click.Choice(["predict", "admin"]), default="predict", show_default=True,
    help="`admin` also reloads models and reads metrics.",
)  # fmt: skip
@click.option("--until", metavar="TIME", help="When it ends by itself: ISO 8601, UTC unless it has an offset; or 90d.")
@click.option(
    "--per-second", type=float, metavar="RATE",
    help="How many requests it is good for, 0 for any number. Default: what the server grants each client.",
)  # fmt: skip
@json_option
def add(client: str, scope: str, until: str | None, per_second: float | None, as_json: bool) -> None:
    """Make a key for CLIENT and print it: it is shown this once, for only its digest is kept.

    A client may have several keys: make the new one, let the client change over, then revoke the old one.
    """
    from mlsys.server import keys as api_keys
    from mlsys.settings import load_settings

    end = instant_ahead(until, where="--until") if until else None
    settings = load_settings()
    settings.make_home()
    made, text = api_keys.add(settings.server_keys, client, scope=scope, until=end, per_second=per_second)  # type: ignore[arg-type]
    if as_json:
        say_json({**_shown(made), "key": text})
        return
    say(text)
    ends = f" until {made.until:%Y-%m-%d %H:%M} UTC" if made.until else ""
    click.echo(f"Key {made.id} of {client}, scope {scope}{ends}. It can't be shown again.", err=True)


@keys.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the keys: ids and clients; the keys themselves are nowhere."""
    from mlsys.server.keys import keys_in
    from mlsys.settings import load_settings

    found = [_shown(key) for key in keys_in(load_settings().server_keys)]
    if as_json:
        say_json(found)
    elif found:
        show_table(("id", "client", "scope", "made", "until", "a second"), [_row(each) for each in found])
    else:
        say("There are no keys: the server answers this machine alone. `mlsys keys add CLIENT` makes one.")


@keys.command()
@click.argument("key_id", metavar="ID")
@json_option
def revoke(key_id: str, as_json: bool) -> None:
    """Take the key ID away; a running server refuses it within two seconds."""
    from mlsys.server import keys as api_keys
    from mlsys.settings import load_settings

    path = load_settings().server_keys
    gone = api_keys.revoke(path, key_id)
    left = [key for key in api_keys.keys_in(path) if key.client == gone.client]
    if as_json:
        say_json(_shown(gone))
        return
    say(f"Key {gone.id} of {gone.client} is revoked; {gone.client} has {counted(len(left), 'key')} left.")


def _shown(key: Key) -> dict[str, object]:
    return key.model_dump(exclude={"sha256"})


def _row(key: dict[str, object]) -> tuple[str, ...]:
    times = [f"{key[name]:%Y-%m-%d %H:%M}" if key[name] else "" for name in ("made_at", "until")]
    rate = number(key["per_second"]) if "per_second" in key else ""  # type: ignore[arg-type]
    return (str(key["id"]), str(key["client"]), str(key["scope"]), *times, rate)
