import sys
from pathlib import Path

import numpy as np
import pytest

from mlsys.errors import UsageError
from mlsys.models import MODELS
from mlsys.models.base import FitTask
from mlsys.models.optional import optional


@pytest.mark.parametrize("kind", ["lightgbm", "catboost"])
def test_a_missing_library_is_named_with_what_brings_it(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, kind, None)
    with pytest.raises(UsageError) as caught:
        MODELS.parse(kind).estimator(FitTask(seed=1, threads=1, inner=np.zeros(0, dtype=bool)))
    says = f'models: {kind}: The library {kind} is not installed. Try: pip install "mlsys[boosting]".'
    assert str(caught.value) == says


def test_what_a_library_itself_misses_is_not_taken_for_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_installed.py").write_text("import no_such_module_of_its_own")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_module_of_its_own"):
        optional("half_installed", extra="boosting", needed_by="models: x")


def test_a_library_that_can_t_be_loaded_says_what_it_misses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "without_openmp.py").write_text("raise OSError('libgomp.so.1: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match=r"can't be loaded: libgomp.so.1.*apt-get install libgomp1"):
        optional("without_openmp", extra="boosting", needed_by="models: x")
