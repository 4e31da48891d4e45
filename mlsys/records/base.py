"""What all records share, and the closed sets of words they use.

A record carries numbers, names and pointers (SHA-256 digests of files in the store), never data. It goes
through Airflow's XCom, the ledger and the report unchanged, so it holds no NaN (None and a reason instead), no
numpy scalar, no path object, and at most 16 KB.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from mlsys.errors import NotUnderstoodError, RunError
from mlsys.store import canonical_json

MAX_BYTES = 16 * 1024
Mode = Literal["live", "dry", "train", "simulate"]
HISTORICAL: frozenset[Mode] = frozenset({"train", "simulate"})  # look at their own day alone, and never promote
HELD = "held"  # reason of a decision that only a hold kept from a promotion
SIMULATED = "simulated"  # reason of a decision that no registry shows
# Of what two runs with the same key record, only these fields may differ.
MEASURED = frozenset({"fit_seconds"})
RunStatus = Literal["done", "skipped", "failed"]
Outcome = Literal["promote", "reject", "inconclusive", "historical", "error"]
State = Literal["pass", "fail", "inconclusive", "error"]
Severity = Literal["critical", "warning"]


class Record(BaseModel):
    """Base of all records: frozen, unknown keys refused, finite numbers only."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def dump(self) -> dict[str, Any]:
        """Return the record as JSON-pure data.

        Raises:
            RunError: more than 16 KB: something that belongs into the store stands in the record.
        """
        data = self.model_dump(mode="json")
        size = len(canonical_json(data))
        if size > MAX_BYTES:
            raise RunError(f"A {type(self).__name__} record has {size} bytes; the limit is {MAX_BYTES}")
        return data

    @classmethod
    def load(cls, data: Any) -> Self:
        """Return the record of what `dump` gave.

        Raises:
            NotUnderstoodError: this mlsys does not understand it: a newer one wrote it, or somebody changed it.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise _not_understood(cls, error) from error

    @classmethod
    def load_json(cls, data: bytes) -> Self:
        """Return the record of a JSON text.

        Raises:
            NotUnderstoodError: as in `load`, or it is no JSON: half of it was lost.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise _not_understood(cls, error) from error


def _not_understood(kind: type[Record], error: ValidationError) -> NotUnderstoodError:
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    return NotUnderstoodError(
        f"A stored record is not understood: {f'`{place}`: ' if place else ''}{first['msg']}",
        where=kind.__name__,
        remedy=f"If a newer mlsys than {version('mlsys')} wrote it, use that one (docs/upgrading.md);"
        " else `mlsys doctor` names what was changed",
    )


class Bundle(Record):
    """Records that are handed on together; the limit of 16 KB holds for each of them."""

    def dump(self) -> dict[str, Any]:
        """Return the records as JSON-pure data.

        Raises:
            RunError: one of them has more than 16 KB.
        """
        return {name: getattr(self, name).dump() for name in type(self).model_fields}
