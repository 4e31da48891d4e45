from __future__ import annotations

import http.server
import logging
import subprocess
import sys
import threading
from typing import ClassVar

import pytest

from mlsys.orchestration import executor


class _Late(http.server.BaseHTTPRequestHandler):
    answers: tuple[int, ...] = (503, 200)
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.send_response(self.answers[min(len(self.asked), len(self.answers) - 1)])
        self.asked.append(self.path)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


def test_workers_wait_until_the_api_they_report_to_answers() -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _Late) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        executor.wait_for_execution_api(f"http://127.0.0.1:{server.server_port}/execution/", seconds=30)
        server.shutdown()
        thread.join()
    assert _Late.asked == ["/execution/health"] * 2


def test_waiting_ends_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    executor.wait_for_execution_api("http://127.0.0.1:9/execution", seconds=0.0)
    assert "execution_api_silent" in caplog.text


def test_a_module_that_cannot_be_imported_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        executor.preload(("json", "there_is_no_such_module"))
    assert "preload_skipped module=there_is_no_such_module" in caplog.text


@pytest.mark.slow
def test_the_executors_module_imports_nothing_heavy() -> None:
    code = (
        "import sys, mlsys.orchestration.executor\n"
        "print([m for m in ('pandas', 'sklearn', 'xgboost', 'great_expectations', 'mlflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="threads of a process are counted in /proc")
def test_preloading_leaves_a_process_that_may_fork() -> None:
    code = (
        "import logging; logging.basicConfig(level='WARNING')\n"
        "from mlsys.orchestration import executor as e\n"
        "e.preload(); print(sorted(set(e.thread_names()[1:]) - {'jemalloc_bg_thd'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "preload_left_threads" not in done.stderr
