"""The fast way to answer: the champion's own fitted steps on arrays, where that is bit-equal to the plain way.

One row through a pipeline of scikit-learn costs milliseconds, nearly all of them checks of each call and pandas'
indexing. Here the same fitted attributes are applied to a row's numbers and texts; a champion whose steps have no such
form, or whose answers would differ, is served plainly.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsys.errors import MlsysError
from mlsys.serving.fast_agreement import agreement, made_rows
from mlsys.serving.fast_blocks import NotConvertibleError
from mlsys.serving.fast_features import FeatureProgram, feature_program
from mlsys.serving.fast_models import ArrayCall, ArrayTrees, asked_with_arrays
from mlsys.serving.fast_policy import POLICY, asked_for_states
from mlsys.serving.fast_pools import PoolProgram, program_of
from mlsys.serving.fast_rows import ReadValues, RowReader, given_rows
from mlsys.serving.fast_wrappers import on_arrays
from mlsys.serving.plain_path import JsonRows, laid_out, method_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlsys.serving.champion import Champion

N_MADE = 2000  # rows like the golden ones, to compare the two ways on
_CELLS = 250_000  # of a matrix at once: 2 MB, which stay near the processor


@dataclass(frozen=True)
class AskedByMatrix:
    """Asks about the matrix that a recipe makes of rows."""

    program: FeatureProgram | PoolProgram
    ask: ArrayCall

    def __call__(self, values: ReadValues) -> Any:
        """Return what is said of rows that have been read."""
        return self.ask(self.program.matrix(values))


@dataclass(frozen=True)
class FastPath:
    """Answers raw rows as the champion does in its own way.

    Attributes:
        name: what answers, in words.
        ask: returns what the model's own method would, of rows that have been read.
        width: columns of the widest matrix that it makes of them.
    """

    name: str
    champion: Champion
    reader: RowReader
    ask: Callable[[ReadValues], Any]
    width: int

    @property
    def stands_alone(self) -> bool:
        """Whether it can be pickled, and answers rows of the declared types without the libraries that trained it."""
        return isinstance(self.ask, AskedByMatrix) and isinstance(self.ask.ask, ArrayTrees)

    def answers(self, rows: JsonRows) -> np.ndarray:
        """Return what the champion says of rows of JSON's values, each with a value for every feature.

        `(n_rows,)` float64 probabilities of the positive class, or numbers; `(n_rows, n_classes)` probabilities of
        several classes, or what each action is worth.

        Raises:
            DataError: a value can't be read as its column's type.
        """
        return self.answers_to(self.reader.read(rows))

    def answers_to(self, values: ReadValues) -> np.ndarray:
        """Return the same of rows that have been read."""
        import numpy as np

        step = max(_CELLS // self.width, 1)
        if 0 < len(values) <= step:
            return laid_out(self.champion, self.ask(values))
        parts = [values.part(begin, begin + step) for begin in range(0, len(values), step)]
        width = len(self.champion.classes) or len(self.champion.actions)
        nothing = np.empty((0, width) if width else 0)
        return np.concatenate([nothing, *(self.answers_to(part) for part in parts)])


def fast_path(champion: Champion, rows: pd.DataFrame | None = None) -> tuple[FastPath | None, str]:
    """Return what answers faster than the champion's own way and alike, or None; and what was found, in words.

    It is compared on the golden rows of the champion's folder, on rows made of them, and on the rows given.

    Args:
        champion: as it was loaded.
        rows: raw rows with the features among their columns, or None.
    """
    try:
        path = converted(champion)
        found = agreement(champion, path.answers, _known_rows(champion, rows))
    except NotConvertibleError as reason:
        return None, str(reason)
    except (MlsysError, AttributeError, ValueError, TypeError, LookupError) as error:
        return None, f"the steps on arrays can't be asked: {type(error).__name__}: {error}"
    if not found.n_rows:
        return None, "there are no golden rows to compare it on"
    return (path if found.holds else None), found.words


def _known_rows(champion: Champion, rows: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Return the golden rows in a champion's folder and some made of them, and the given ones, as JSON has them."""
    from mlsys.registries.files import GOLDEN
    from mlsys.training import golden

    try:
        kept = golden.rows_of(json.loads((champion.folder / GOLDEN).read_bytes()))
        known = given_rows(champion.features, kept)
    except (OSError, ValueError, KeyError):  # of an earlier version, which kept none
        known = []
    given = [] if rows is None else given_rows(champion.features, champion.prepare(rows))
    return [*known, *made_rows(known or given, N_MADE), *given]


def converted(champion: Champion) -> FastPath:
    """Return the champion's steps on arrays; nothing has been compared.

    Raises:
        NotConvertibleError: a step has no form on arrays.
    """
    reader, method = RowReader(champion), method_of(champion)
    steps: list[tuple[str, Any]] = list(getattr(champion.model, "steps", []))
    if [name for name, _ in steps] == ["features", "model"]:
        program = program_of(steps[0][1], reader.numeric)
        name, ask = asked_with_arrays(steps[1][1], method, sparse=program.sparse)
        return FastPath(name, champion, reader, AskedByMatrix(program, ask), program.width)
    if [name for name, _ in steps] == POLICY:
        table, states = feature_program(steps[0][1], reader.numeric), asked_for_states(champion.model)
        return FastPath("arrays + a table", champion, reader, AskedByMatrix(table, states), table.width)
    if [name for name, _ in steps] == ["model"]:
        wrapper, programs = on_arrays(champion.model, reader.numeric)
        name = f"arrays inside {type(steps[0][1]).__name__}"
        return FastPath(name, champion, reader, getattr(wrapper, method), max(each.width for each in programs))
    raise NotConvertibleError(f"the model is {type(champion.model).__name__} of {len(steps)} steps")
