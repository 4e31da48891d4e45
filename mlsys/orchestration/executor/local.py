"""The local executor with the heavy libraries already imported: its workers are forked with them in memory.

It differs from Airflow's LocalExecutor in what happens when something goes wrong: a killed worker takes no others with
it, its task is reported as failed at once, and no task runs code that differs from the installed one.
Nothing heavy stands at the top of this file: every Airflow component loads the class.
"""

from __future__ import annotations

import gc
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Sequence

from airflow.executors.base_executor import get_execution_api_server_url
from airflow.executors.local_executor import LocalExecutor

from mlsys.events import get_logger
from mlsys.orchestration.executor.preload import installation, preload
from mlsys.orchestration.executor.worker import Begun, Ended, Message, Ready, Worker, Workload
from mlsys.polling import ask_until

log = get_logger(__name__)

_API_SECONDS = 180.0
_FAILED_STARTS = 3


class PreloadingLocalExecutor(LocalExecutor):  # type: ignore[misc]
    """Airflow's LocalExecutor whose workers start with the libraries of the pipeline imported.

    The first workers are forked from the scheduler, and so is the successor of one that died. When the installation
    has changed on disk, the scheduler's memory is out of date: from then on workers are fresh interpreters.
    """

    def start(self) -> None:
        """Import, wait until tasks can report back, then fork the workers."""
        self._members: list[Worker] = []
        self._waiting: deque[Workload] = deque()
        self._failed_starts = 0
        self._warned = False
        self._server = get_execution_api_server_url(self.conf)
        self._preloaded = installation()
        preload()
        wait_for_execution_api(self._server, seconds=_API_SECONDS)
        self._start_workers(self.parallelism, self._preloaded)

    def sync(self) -> None:
        """Hear what the workers say, take care of the dead, hand out what waits; called by each scheduler loop."""
        dead = [worker for worker in self._members if not worker.process.is_alive()]
        self._listen()  # after that look, so that nothing is missed that was said before the end
        for worker in dead:
            self._bury(worker)
        self._hand_out()

    def end(self) -> None:
        """Let the running tasks end, and then the workers; what nobody has taken is left to the next scheduler."""
        for worker in self._members:
            worker.dismiss()
        for worker in self._members:
            worker.process.join()
        self._listen()
        for worker in self._members:
            worker.close()
        self._members.clear()

    def _process_workloads(self, workload_list: Sequence[Workload]) -> None:
        self._listen()
        for workload in workload_list:
            for queue in (self.queued_tasks, self.queued_callbacks, self.queued_connection_tests):
                queue.pop(workload.key, None)
            self.running.add(workload.key)  # else Airflow would queue without bound, in the order of arrival
            self._waiting.append(workload)
        self._hand_out()

    def _listen(self) -> None:
        for worker in self._members:
            for message in worker.heard():
                self._note(worker, message)

    def _note(self, worker: Worker, message: Message) -> None:
        workload: Workload = worker.workload
        match message:
            case Ready(installed):
                worker.installation, self._failed_starts = installed, 0
            case Begun():
                worker.begun = True
                if workload.running_state is not None:
                    self.change_state(workload.key, workload.running_state, remove_running=False)
            case Ended(cause):
                worker.workload = None
                state = workload.success_state if cause is None else workload.failure_state
                self._tell_end(workload, state, cause)

    def _tell_end(self, workload: Workload, state: str, cause: str | None) -> None:
        """Tell the scheduler that a workload has ended, unless the same try of its task is under way again.

        A task that pauses to ask a person goes on under the key it had. Where the answer comes before its first
        worker is done, the scheduler would take that worker's end for the task's, and the answer would be lost.
        """
        again = [*self._waiting, *(worker.workload for worker in self._members if worker.workload is not None)]
        if all(other.key != workload.key for other in again):
            self.change_state(workload.key, state, cause)

    def _bury(self, worker: Worker) -> None:
        self._members.remove(worker)
        cause, workload = worker.close(), worker.workload
        if worker.dismissed and workload is None:
            return
        log.warning("worker_died", pid=worker.pid, cause=cause, task=workload and workload.key)
        if worker.installation is None:
            self._failed_starts += 1
        elif workload is not None and worker.begun:
            self._tell_end(workload, workload.failure_state, f"its worker {worker.pid} died: {cause}")
        elif workload is not None:
            self._waiting.appendleft(workload)

    def _hand_out(self) -> None:
        if not self._waiting:
            return
        installed = installation()
        self._dismiss_outdated(installed)
        for worker in self._members:
            if worker.idle and self._waiting and worker.give(self._waiting[0]):
                self._waiting.popleft()
        if self._failed_starts >= _FAILED_STARTS:
            self._give_up()
        starting = sum(worker.installation is None for worker in self._members)
        places = self.parallelism - sum(not worker.dismissed for worker in self._members)
        self._start_workers(min(len(self._waiting) - starting, places), installed)

    def _dismiss_outdated(self, installed: str) -> None:
        if installed != self._preloaded and not self._warned:
            self._warned = True
            log.warning("installation_changed", workers="fresh, sharing no memory", remedy="mlsys down, mlsys up")
        for worker in self._members:
            # A fresh worker is good for one workload, or steady edits would starve the tasks.
            unused = worker.installation != self._preloaded and not worker.begun
            if worker.idle and worker.installation != installed and not unused:
                worker.dismiss()

    def _give_up(self) -> None:
        cause = f"{self._failed_starts} workers died while they started: see the scheduler's log"
        while self._waiting:
            workload = self._waiting.popleft()
            self.change_state(workload.key, workload.failure_state, cause)
        self._failed_starts = 0

    def _start_workers(self, number: int, installed: str) -> None:
        held = installed if installed == self._preloaded else None
        gc.freeze()  # or collections in the children would copy the pages that all of them share
        try:
            for _ in range(number):
                worker = Worker(server=self._server, run=self.run_workload, installed=held, others=self._members)
                self._members.append(worker)
        finally:
            gc.unfreeze()


def wait_for_execution_api(address: str, *, seconds: float) -> None:
    """Wait until the API that tasks report to answers: a task sent before that is lost as failed.

    Goes on after `seconds`, with a warning; the scheduler then shows what is wrong.
    """

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"{address.rstrip('/')}/health", timeout=60):  # noqa: S310  our own address
                return True
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False

    if not ask_until(bool, answers, seconds=seconds, pause=0.2):
        log.warning("execution_api_silent", address=address, seconds=round(seconds, 0))
