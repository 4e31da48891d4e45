import subprocess
import sys
import warnings
from pathlib import Path
from types import ModuleType

import pytest

from mlsys.errors import IntegrityError, RunError
from mlsys.features.tabular import TabularFeatures
from mlsys.models import MODELS
from mlsys.models.calibration import line
from mlsys.store import Store
from mlsys.testing.features import COLUMNS
from mlsys.testing.model_problems import easy_problem, task_of
from mlsys.training import model_file

_IN_ANOTHER_PROCESS = """
import sys
if len(sys.argv) > 2:
    import dill  # Airflow does, and it changes how pickle writes
from pathlib import Path
from mlsys.training import model_file
from mlsys.models import MODELS
from mlsys.store import Store
from mlsys.testing.model_process import suits
for name in MODELS.names():
    model = MODELS.parse({"kind": name, **({"of": ("logistic", "catboost")} if name == "blend" else {})})
    for problem in {problem.estimator: problem for problem in suits(model).values()}.values():
        print(name, model_file.save(problem.fit(model).pipeline, Store(Path(sys.argv[1])))[0])
"""


def test_a_model_comes_back_as_it_was(store: Store) -> None:
    frame, y = easy_problem(120)
    pipeline = MODELS.parse("logistic").fit(TabularFeatures().build(COLUMNS), frame, y, task_of(120)).pipeline
    digest, n_bytes = model_file.save(pipeline, store)
    assert n_bytes == store.path(digest).stat().st_size
    assert (model_file.load(digest, store).predict_proba(frame) == pipeline.predict_proba(frame)).all()


@pytest.mark.long
def test_the_same_fit_has_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", _IN_ANOTHER_PROCESS, str(tmp_path), *more],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"},
        ).stdout
        for seed, more in (("1", ()), ("2", ("dill",)))
    }
    assert len(found) == 1, found


def test_equal_texts_have_the_same_bytes_whether_or_not_they_are_one_object(store: Store) -> None:
    text = "features"
    again = "".join(["feat", "ures"])
    assert text is not again
    assert model_file.save({"a": text, "b": text}, store) == model_file.save({"a": text, "b": again}, store)
    assert model_file.load(model_file.save({"a": text, "b": again}, store)[0], store) == {"a": text, "b": text}


def test_changed_bytes_are_never_unpickled(store: Store) -> None:
    digest, _ = model_file.save({"any": "object"}, store)
    path = store.path(digest)
    path.chmod(0o644)
    path.write_bytes(b"cos\nabort\n(tR.")  # would end this process
    with pytest.raises(IntegrityError, match="changed after it was written"):
        model_file.load(digest, store)


def test_a_missing_file_is_an_integrity_error(store: Store) -> None:
    with pytest.raises(IntegrityError, match="missing"):
        model_file.load("0" * 64, store)


def test_bytes_that_no_package_can_read_are_a_run_error(store: Store) -> None:
    digest = store.put_bytes(b"cno_such_package\nModel\n.")
    with pytest.raises(RunError, match="no_such_package"):
        model_file.load(digest, store)


def test_modules_that_warn_when_they_are_asked_for_a_name_do_not_stop_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Old(ModuleType):
        def __getattr__(self, name: str) -> object:
            if name == "logit":
                warnings.warn("it has moved", FutureWarning, stacklevel=2)
            raise AttributeError(name)

    made = line()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "modules", {"aa_old": Old("aa_old"), **sys.modules})  # asked first
        digest, _ = model_file.save(made, store)
    assert model_file.load(digest, store).steps[1][0] == "log_odds"
