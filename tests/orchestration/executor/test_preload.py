from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlsys.orchestration.executor import preload as executor_preload
from mlsys.orchestration.executor.preload import installation, own_modules, preload, thread_names

linux = pytest.mark.skipif(sys.platform != "linux", reason="threads of a process are counted in /proc")


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of a module named `preloaded_example`, empty."""
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
        monkeypatch.setenv(name, "1")  # or `preload` sets them for all tests after this one
    path = tmp_path / "preloaded_example.py"
    path.write_text("")
    yield path
    sys.modules.pop("preloaded_example", None)


@pytest.mark.parametrize("content", ["import there_is_no_such_module", "def half an upgrade", "{}['missing']"])
def test_a_module_that_cannot_be_imported_is_left_out(
    module: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    module.write_text(content)
    with caplog.at_level(logging.WARNING):
        preload(["preloaded_example", "json"])
    assert "preload_skipped what=preloaded_example" in caplog.text


@linux
def test_a_module_that_leaves_a_thread_behind_is_told_of(module: Path, caplog: pytest.LogCaptureFixture) -> None:
    module.write_text(
        "import threading\nstop = threading.Event()\nthread = threading.Thread(target=stop.wait)\nthread.start()\n"
    )
    with caplog.at_level(logging.WARNING):
        preload(["preloaded_example"])
    example = sys.modules["preloaded_example"]
    example.stop.set()
    example.thread.join()
    assert "preload_left_threads" in caplog.text


@linux
def test_a_thread_that_was_there_before_is_not_the_modules(module: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        preload(["preloaded_example"])
    assert "preload_left_threads" not in caplog.text


@linux
def test_a_thread_that_ends_while_threads_are_counted_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [Path("/proc/self/task", name) for name in ("0", str(os.getpid()))]  # there is no thread 0
    monkeypatch.setattr(Path, "iterdir", lambda _: iter(listed))
    assert len(thread_names()) == 1


def test_all_of_mlsys_that_a_task_may_import_is_preloaded() -> None:
    found = own_modules()
    assert {"mlsys", "mlsys.pipeline", "mlsys.models.xgboost_model", "mlsys.orchestration.tasks.retraining"} <= set(
        found
    )
    assert not [name for name in found if name.startswith(("mlsys.testing", "mlsys.ledger.migrations"))]


@pytest.mark.long
@linux
def test_preloading_leaves_a_process_that_may_fork_and_nothing_of_mlsys_to_import() -> None:
    code = (
        "import logging, sys; logging.basicConfig(level='WARNING', stream=sys.stderr)\n"
        "from mlsys.orchestration.executor import preload as e\n"
        "e.preload(); print(sorted(set(e.thread_names()[1:]) - {'jemalloc_bg_thd'}))\n"
        "print([name for name in e.own_modules() if name not in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["[]", "[]"]
    assert "preload_left_threads" not in done.stderr
    assert "preload_skipped" not in done.stderr


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """A package folder with some files, and a `site-packages` with one distribution."""
    package, site = tmp_path / "package", tmp_path / "site-packages"
    (package / "models").mkdir(parents=True)
    (package / "models" / "forest.py").write_text("trees = 1\n")
    (package / "card.html").write_text("<p>")
    (site / "xgboost-3.2.0.dist-info").mkdir(parents=True)
    return package, site


def digest(places: tuple[Path, Path]) -> str:
    return installation(places[0], [str(places[1])])


def test_an_edited_new_or_removed_source_file_changes_the_installation(places: tuple[Path, Path]) -> None:
    seen = {digest(places)}
    (places[0] / "models" / "forest.py").write_text("trees = 22\n")
    seen.add(digest(places))
    (places[0] / "extra.py").write_text("")
    seen.add(digest(places))
    (places[0] / "models" / "forest.py").unlink()
    seen.add(digest(places))
    assert len(seen) == 4


def test_an_upgraded_package_or_the_same_version_again_changes_the_installation(places: tuple[Path, Path]) -> None:
    before = digest(places)
    folder = places[1] / "xgboost-3.2.0.dist-info"
    os.utime(folder, ns=(0, 0))
    again = digest(places)
    folder.rename(places[1] / "xgboost-3.3.0.dist-info")
    assert len({before, again, digest(places)}) == 3


def test_bytecode_templates_specs_and_dag_files_do_not_change_the_installation(places: tuple[Path, Path]) -> None:
    before = digest(places)
    for name in ("package/models/__pycache__/forest.pyc", "package/card.html", "dags/retrain.py", "pipelines/a.yaml"):
        path = places[0].parent / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("changed")
    assert digest(places) == before


def test_a_file_that_goes_while_it_is_looked_at_is_no_error(places: tuple[Path, Path]) -> None:
    (places[0] / "gone.py").symlink_to(places[0] / "nowhere.py")
    assert digest(places)


def test_of_this_environment_the_packages_are_found() -> None:
    assert list(executor_preload._distributions(sys.path))
