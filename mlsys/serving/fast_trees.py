"""XGBoost's trees by its C interface: `Booster.inplace_predict` without what it does around the call.

Of 0.2 ms for one row, more than half are Python's: a class of its own made for each answer, settings written as JSON.
"""

from __future__ import annotations

import ctypes
import json
import math
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


class InplaceTrees:
    """Asks the trees of a fitted XGBClassifier or XGBRegressor; safe in several threads at once.

    Pickled and loaded it needs XGBoost's library alone: its Python package would load scikit-learn, scipy and pandas.

    Args:
        library: path of the shared library.
        handle: of a booster in that library's memory.
        owner: whose memory that is; None = these trees' own, which they free.
        settings: of a prediction, as JSON.
    """

    def __init__(self, library: str, handle: ctypes.c_void_p, owner: Any, settings: bytes) -> None:
        self._path, self._handle, self._owner, self._settings = library, handle, owner, settings
        self._library = ctypes.CDLL(library)
        if owner is None:
            weakref.finalize(self, self._library.XGBoosterFree, handle)

    @classmethod
    def of(cls, estimator: Any) -> InplaceTrees:
        """Return the trees of a fitted estimator."""
        from xgboost.libpath import find_lib_path

        booster = estimator.get_booster()
        rounds = estimator.best_iteration + 1 if hasattr(estimator, "best_iteration") else 0
        settings = {"type": 0, "training": False, "iteration_begin": 0, "iteration_end": rounds, "cache_id": 0}
        asked = {**settings, "missing": float(estimator.missing), "strict_shape": False}
        return cls(find_lib_path()[0], booster.handle, booster, json.dumps(asked).encode())

    def __reduce__(self) -> tuple[Any, ...]:
        length, data = ctypes.c_uint64(), ctypes.POINTER(ctypes.c_char)()
        if self._library.XGBoosterSerializeToBuffer(self._handle, ctypes.byref(length), ctypes.byref(data)):
            raise ValueError("XGBoost can't write the trees down")
        return _read_again, (self._path, ctypes.string_at(data, length.value), self._settings)

    def __call__(self, matrix: np.ndarray) -> np.ndarray:
        """Return what the trees say of `(n_rows, n_features)` float64: `(n_rows,)` or `(n_rows, n_classes)` float32.

        Raises:
            ValueError: XGBoost refuses the rows.
        """
        import numpy as np

        rows = np.ascontiguousarray(matrix)
        address, _ = rows.__array_interface__["data"]
        n_rows, n_columns = rows.shape
        where = b'{"data": [%d, true], "shape": [%d, %d], "typestr": "<f8", "version": 3}' % (
            address,
            n_rows,
            n_columns,
        )
        lengths, n_lengths = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64()
        answers = ctypes.POINTER(ctypes.c_float)()
        failed = self._library.XGBoosterPredictFromDense(
            self._handle,
            where,
            self._settings,
            ctypes.c_void_p(),
            ctypes.byref(lengths),
            ctypes.byref(n_lengths),
            ctypes.byref(answers),
        )
        if failed:
            raise ValueError("XGBoost refuses the rows")
        shape = lengths[: n_lengths.value]
        found = np.empty(shape, dtype="float32")
        ctypes.memmove(found.__array_interface__["data"][0], answers, 4 * math.prod(shape))  # the library's own memory
        return found


def _read_again(library: str, data: bytes, settings: bytes) -> InplaceTrees:
    loaded, handle = ctypes.CDLL(library), ctypes.c_void_p()
    if loaded.XGBoosterCreate(None, ctypes.c_uint64(0), ctypes.byref(handle)):
        raise ValueError("XGBoost can't hold trees")
    trees = InplaceTrees(library, handle, None, settings)
    if loaded.XGBoosterUnserializeFromBuffer(handle, data, ctypes.c_uint64(len(data))):
        raise ValueError("XGBoost can't read the trees")
    return trees
