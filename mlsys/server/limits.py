"""How much a client may ask for: requests a second, bytes, rows, seconds, connections. Each is a setting."""

from __future__ import annotations

import math
import time
from collections import OrderedDict

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MOST_CLIENTS = 10_000  # whose requests are counted one by one; whoever came least recently is forgotten
BURST_SECONDS = 2.0  # so many seconds' worth may come at once


class ServerLimits(BaseSettings):
    """ServerLimits of the server; each one is a variable `MLSYS_SERVER_<NAME>`.

    Attributes:
        requests_per_second: of one client, which may be ahead by two seconds' worth; 0 sets no limit. A key may have
            its own.
        wrong_keys_per_minute: of one address, so many at once; 0 sets no limit.
        body_bytes: of one request.
        rows: of one request.
        header_seconds: until the head of a request has come; it has at most 64 KiB.
        body_seconds: until its body has come.
        answer_seconds: from there until it is answered.
        idle_seconds: how long a connection is kept between two requests.
        connections: held open at once; beyond them the one that has been silent longest makes room.
    """

    model_config = SettingsConfigDict(env_prefix="MLSYS_SERVER_", frozen=True, extra="ignore")

    requests_per_second: float = Field(default=2000.0, ge=0, allow_inf_nan=False)
    wrong_keys_per_minute: float = Field(default=60.0, ge=0, allow_inf_nan=False)
    body_bytes: int = Field(default=16 * 1024 * 1024, ge=1024)
    rows: int = Field(default=10_000, ge=1)
    header_seconds: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    body_seconds: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    answer_seconds: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    idle_seconds: int = Field(default=60, ge=1)
    connections: int = Field(default=12_000, ge=16)


class Budgets:
    """What each client may still ask for: a bucket that fills at a steady rate and holds a burst.

    Time is that of a clock which never jumps.

    Args:
        per_second: the rate; 0 for no limit.
        burst_seconds: so many seconds' worth may come at once.
    """

    def __init__(self, per_second: float, burst_seconds: float = BURST_SECONDS) -> None:
        self._rate = per_second
        self._burst = burst_seconds
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, client: str, per_second: float | None = None) -> int:
        """Take one request from a client's bucket; return 0, or after how many whole seconds there is one again.

        With `per_second` the client has a rate of its own.
        """
        rate = self._rate if per_second is None else per_second
        if not rate:
            return 0
        now, most = time.monotonic(), max(1.0, rate * self._burst)
        left, then = self._left.get(client, (most, now))
        left = min(most, left + (now - then) * rate)
        spent = left >= 1
        self._left[client] = (left - 1 if spent else left, now)
        self._left.move_to_end(client)
        if len(self._left) > MOST_CLIENTS:
            self._left.popitem(last=False)
        return 0 if spent else math.ceil((1 - left) / rate)
