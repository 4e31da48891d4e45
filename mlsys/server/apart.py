"""A champion is loaded, verified and compared in a process of its own, which leaves the server what answers.

The libraries that trained a model take 200 MB, and a file that breaks an interpreter breaks none that answers. What
comes back is the fast way, where it stands alone; other models are loaded here once they have been there.
"""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsys.errors import MlsysError, RunError
from mlsys.events import get_logger
from mlsys.garbage import collect_seldom

if TYPE_CHECKING:
    import numpy as np

    from mlsys.server.served import ServedModel
    from mlsys.serving import Champion

log = get_logger(__name__)

_END_SECONDS = 10.0


class LoadsApart:
    """Loads models in a child, which is there from `begin` to `end`; used as a block it begins and ends by itself."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> LoadsApart:
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self) -> None:
        """Start the child, which loads the libraries while nobody waits for it."""
        if self._process is None:
            command = [sys.executable, "-m", "mlsys.server.apart"]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )

    def end(self) -> None:
        """End it, if it is there."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.communicate(timeout=_END_SECONDS)
        except (subprocess.TimeoutExpired, OSError):
            process.kill()
            process.communicate()

    def load(self, folder: Path, pipeline: str, *, generation: int = 0) -> ServedModel:
        """Return the model in the folder of a release, after it has answered its golden rows.

        Raises:
            IntegrityError, RunError: as `served.load_folder`; or the child died over it.
        """
        import numpy as np

        from mlsys.server.served import load_folder

        found = self._asked((str(folder), pipeline, generation))
        if isinstance(found, MlsysError):
            raise found
        if found is not None:
            model, said = found
            if np.array_equal(model.answers(model.known.examples), said):
                return model  # type: ignore[no-any-return]
            log.warning("loaded_apart_answers_otherwise", pipeline=pipeline)
        return load_folder(folder, pipeline, generation=generation)

    def _asked(self, question: tuple[str, str, int]) -> Any:
        self.begin()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            pickle.dump(question, process.stdin)
            process.stdin.flush()
            return pickle.load(process.stdout)  # noqa: S301 - our own child's
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            self.end()
            raise RunError("The process that loads the champion ended over it", where=question[0]) from error


class _Pickler(pickle.Pickler):
    """Leaves out the estimators of champions."""

    def reducer_override(self, value: Any) -> Any:
        from mlsys.serving.champion import Champion
        from mlsys.serving.light import light_champion, without_model

        return (light_champion, (without_model(value),)) if isinstance(value, Champion) else NotImplemented


def pickled(folder: str, pipeline: str, generation: int) -> bytes:
    """Return a pickle of a loaded model without its estimator and of its answers to its examples; of None where it has
    no fast way that stands alone; or of the error that it can't be loaded for.
    """
    from mlsys.serving import champion_in

    found: object = None
    try:
        if _may_stand_alone(champion_in(Path(folder), pipeline)):
            found = _compared(Path(folder), pipeline, generation)
    except MlsysError as error:
        found = error
    except Exception as error:  # noqa: BLE001 - whatever a damaged file makes a library raise, the server has to know
        found = RunError(f"{type(error).__name__}: {error}", where=folder)
    written = io.BytesIO()
    _Pickler(written).dump(found)
    return written.getvalue()


def _may_stand_alone(champion: Champion) -> bool:
    """Return whether the server may do without its libraries; whether the fast way is as good is another question."""
    from mlsys.serving.fast import converted
    from mlsys.serving.fast_blocks import NotConvertibleError

    try:
        return converted(champion).stands_alone
    except (NotConvertibleError, AttributeError, ValueError, TypeError, LookupError):
        return False  # the server says why, when it has loaded it


def _compared(folder: Path, pipeline: str, generation: int) -> tuple[ServedModel, np.ndarray] | None:
    from mlsys.server.served import load_folder

    model = load_folder(folder, pipeline, generation=generation)
    return None if model.fast is None else (model, model.answers(model.known.examples))


def main() -> None:
    """Load what is asked for on standard input until that ends."""
    collect_seldom()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    import pandas as pd  # noqa: F401 - this takes a second, in which the server does other things
    import sklearn.compose  # noqa: F401

    import mlsys.server.served  # noqa: F401

    while True:
        try:
            question = pickle.load(sys.stdin.buffer)  # noqa: S301 - of the server that started this
        except EOFError:
            return
        answers.write(pickled(*question))
        answers.flush()


if __name__ == "__main__":
    main()
