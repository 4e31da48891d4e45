"""Wrong keys: how many may come from one address, so that whoever guesses is slowed down and shows in the log."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

from mlsys.events import get_logger
from mlsys.server import limits
from mlsys.server.limits import Budgets

log = get_logger(__name__)

_SECONDS = 60.0  # a minute's worth may come at once


class Guesses:
    """Counts wrong keys by address: a budget of its own, which no right key is charged to.

    Args:
        per_minute: from one address; 0 for no limit.
    """

    def __init__(self, per_minute: float) -> None:
        self._budgets = Budgets(per_minute / _SECONDS, _SECONDS)
        self._limited: OrderedDict[str, None] = OrderedDict()

    def limited(self, address: str) -> bool:
        """Whether the newest wrong key from an address was one too many."""
        return address in self._limited

    def note(self, address: str) -> int:
        """Note a wrong key; return 0, or after how many whole seconds another one is looked at."""
        wait = self._budgets.spend(address)
        if not wait:
            self._limited.pop(address, None)
        elif address not in self._limited:
            self._limited[address] = None
            log.warning("wrong_keys", address=address, retry_after=wait)
            if len(self._limited) > limits.MOST_CLIENTS:
                self._limited.popitem(last=False)
        return wait


def place_of(peer: tuple[str, int] | None) -> str:
    """Return where a request comes from; of IPv6 the network of 64 bits, which one client has all of."""
    if peer is None:
        return "local"
    try:
        found = ipaddress.ip_address(peer[0].partition("%")[0])
    except ValueError:
        return str(peer[0])
    if found.version == 4 or found.ipv4_mapped is not None:  # type: ignore[union-attr]
        return str(peer[0])
    return str(ipaddress.ip_network((found, 64), strict=False))
