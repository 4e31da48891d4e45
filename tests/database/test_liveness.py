from __future__ import annotations

import platform
import subprocess
import sys

import psutil
import pytest

from mlsys.database.liveness import ended, is_zombie, wait_until_ended
from mlsys.polling import ask_until

SYS_EXIT = {"x86_64": 60, "aarch64": 93}  # ends the thread that calls it, and no other
LEADERLESS = """
import ctypes, sys, threading, time
threading.Thread(target=time.sleep, args=(600,)).start()
ctypes.CDLL(None).syscall(int(sys.argv[1]), 0)
"""


def test_a_child_that_has_left_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        assert wait_until_ended([psutil.Process(child.pid)], seconds=30) == []


@pytest.mark.skipif(platform.machine() not in SYS_EXIT, reason="the number of a system call is not known here")
def test_a_process_whose_first_thread_is_gone_has_not_ended_while_another_one_holds_its_files() -> None:
    with subprocess.Popen([sys.executable, "-c", LEADERLESS, str(SYS_EXIT[platform.machine()])]) as child:
        seen = psutil.Process(child.pid)
        try:
            looks_dead = ask_until(bool, lambda: seen.status() == psutil.STATUS_ZOMBIE, seconds=30, pause=0.02)
            assert looks_dead
            assert not is_zombie(seen)
            assert not ended(seen)
        finally:
            child.kill()
        assert wait_until_ended([seen], seconds=30) == []
