"""`/score`: a CSV file comes back with an answer beside each row, and with what is wrong where there is none."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from mlsys import clock
from mlsys.errors import DataError
from mlsys.server.answered import CHAMPION, Answered, Watcher
from mlsys.server.answers import as_json
from mlsys.server.finding import asked_for
from mlsys.server.predicting import request_id
from mlsys.server.refusals import RefusedRequestError, refused
from mlsys.server.rows import allowed

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from mlsys.server.served import ServedModel
    from mlsys.server.shelf import Shelf

MOST_BYTES = 16_000_000
_AT_ONCE = 1000  # rows
_KINDS = frozenset(
    {"text/csv", "application/csv", "text/plain", "application/vnd.ms-excel", "application/octet-stream"}
)


@dataclass(frozen=True)
class Scoring:
    """Scores files with the models of a shelf."""

    shelf: Shelf
    watchers: Sequence[Watcher]

    async def score(self, request: Request) -> Response:
        """Answer all rows of a file, and give them back as they are answered."""
        from starlette.responses import StreamingResponse

        pipeline, model = asked_for(request, self.shelf)
        kind = request.headers.get("content-type", "text/csv").split(";")[0].strip().lower()
        if kind not in _KINDS:
            raise refused(415, "The body is of another kind", value=kind[:120], allowed="text/csv")
        file = opened(await _body(request), model)
        scored = self._scored(file, pipeline, model, request_id(request))
        return StreamingResponse(scored, media_type="text/csv; charset=utf-8")

    def _scored(self, file: OpenedFile, pipeline: str, model: ServedModel, request: str) -> Iterator[bytes]:
        yield file.line([*file.header, *answer_columns(model), "problem"])
        place = 0
        while records := list(islice(file.records, _AT_ONCE)):
            begun = time.perf_counter()
            answered = answered_records(records, file.header, model, first=place)
            if answered.rows:
                told = (answered.rows, answered.answers, clock.now(), time.perf_counter() - begun)
                noticed = model.watch.noticed(answered.rows)
                for tell in self.watchers:
                    tell(Answered(pipeline, model, CHAMPION, request, *told, answered.given, noticed))
            yield b"".join(file.line(record) for record in answered.records)
            place += len(records)


@dataclass(frozen=True)
class OpenedFile:
    """A CSV file behind its header."""

    header: Sequence[str]
    records: Iterator[list[str]]
    delimiter: str

    def line(self, record: Sequence[Any]) -> bytes:
        """Return a record as the file has them."""
        text = io.StringIO()
        csv.writer(text, delimiter=self.delimiter, lineterminator="\n").writerow(record)
        return text.getvalue().encode()


def opened(data: bytes, model: ServedModel) -> OpenedFile:
    """Return a file with its header read; the mark between fields is the one that finds the most columns.

    Raises:
        RefusedRequestError: 422, no text, no row, or a header without the columns that the model reads.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refused(422, f"The file is not in UTF-8: byte {error.start}", allowed="a CSV file in UTF-8") from None
    csv.field_size_limit(MOST_BYTES)
    features = model.champion.features
    first = next(csv.reader(_lines(text)), [])
    marks = {mark: next(csv.reader(_lines(text), delimiter=mark), []) for mark in (";", "\t", "|")}
    delimiter, header = max([(",", first), *marks.items()], key=lambda one: len(set(one[1]) & set(features)))
    header = [name.strip() for name in header]
    problems: list[dict[str, Any]] = [
        {"column": name, "problem": "The header lacks the column", "allowed": allowed(column).replace("null", "empty")}
        for name, column in features.items()
        if name not in header
    ]
    problems += [
        {"column": name, "problem": "The header names the column twice"} for name in features if header.count(name) > 1
    ]
    if problems:
        raise RefusedRequestError(422, problems)
    records = csv.reader(_lines(text), delimiter=delimiter)
    next(records)
    return OpenedFile(header, (record for record in records if record), delimiter)


@dataclass(frozen=True)
class AnsweredRecords:
    """Records with their answers, and the rows among them that could be read: features alone, and all columns."""

    records: list[list[Any]]
    rows: list[dict[str, Any]]
    given: list[dict[str, Any]]
    answers: Any


def answered_records(
    records: Sequence[list[str]], header: Sequence[str], model: ServedModel, *, first: int
) -> AnsweredRecords:
    """Return records with what the model says of each, or with what is wrong with it; `first` is the first one's place
    in the file.
    """
    width, blank = len(header), [""] * len(answer_columns(model))
    wrong = {
        place: f"{len(record)} fields, and the header has {width}"
        for place, record in enumerate(records)
        if len(record) != width
    }
    names = {name: list(header).index(name) for name in model.champion.features}
    rows = [
        {name: _value(record[at]) if at < len(record) else None for name, at in names.items()} for record in records
    ]
    kept = [place for place in range(len(rows)) if place not in wrong]
    answers: Any = None
    try:
        answers = model.answers([rows[place] for place in kept]) if kept else None
    except DataError:
        for place, name, value in model.unreadable(rows):
            wrong.setdefault(place, f"{name}: {value!r} can't be read, but {allowed(model.champion.features[name])}")
        kept = [place for place in kept if place not in wrong]
        answers = model.answers([rows[place] for place in kept]) if kept else None
    said = dict(zip(kept, [] if answers is None else as_json(model.champion, answers), strict=True))
    # A record of another length is cut or filled up: its answer's fields stand below their names even so.
    found = [
        [
            *record[:width],
            *[""] * (width - len(record)),
            *(_fields(said[place]) if place in said else blank),
            _problem(wrong.get(place), first + place),
        ]
        for place, record in enumerate(records)
    ]
    given = [dict(zip(header, map(_value, records[place]), strict=True)) for place in kept]
    return AnsweredRecords(found, [rows[place] for place in kept], given, answers)


def answer_columns(model: ServedModel) -> list[str]:
    """Return the names of the columns that hold answers."""
    champion = model.champion
    if champion.threshold is not None:
        return ["predicted_probability", "predicted_positive"]
    if champion.classes:
        return ["predicted_class", *(f"predicted_probability_{name}" for name in champion.classes)]
    return ["predicted_action", "predicted_value"] if champion.actions else ["predicted_value"]


def _fields(said: Mapping[str, Any]) -> list[Any]:
    if "probability" in said:
        return [said["probability"], str(said["positive"]).lower()]
    if "probabilities" in said:
        return [said["class"], *said["probabilities"].values()]
    return [said["action"], said["value"]] if "action" in said else [said["value"]]


def _value(text: str) -> str | None:
    return text if text.strip() else None


def _problem(what: str | None, place: int) -> str:
    return "" if what is None else f"row {place + 1}: {what}"


def _lines(text: str) -> io.StringIO:
    """Return the lines of a text, however they end."""
    return io.StringIO(text, newline=None)


async def _body(request: Request) -> bytes:
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > MOST_BYTES:
            raise refused(413, "The file is too large", allowed=f"at most {MOST_BYTES / 1e6:.0f} MB")
    return bytes(found)
