"""Asking again until something is so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def ask_until(wanted: Callable[[T], bool], ask: Callable[[], T], *, seconds: float, pause: float) -> T:
    """Return the first answer that is wanted, or the last one when `seconds` have passed; what `ask` raises is raised.

    Args:
        wanted: whether an answer is what is waited for.
        ask: gives an answer.
        seconds: how long to ask.
        pause: seconds between two questions.
    """
    from tenacity import RetryCallState, Retrying, retry_if_not_result, stop_after_delay, wait_fixed

    def last(state: RetryCallState) -> T:
        assert state.outcome is not None
        answer: T = state.outcome.result()
        return answer

    asking = Retrying(
        stop=stop_after_delay(seconds),
        wait=wait_fixed(pause),
        retry=retry_if_not_result(wanted),
        retry_error_callback=last,
    )
    return asking(ask)
