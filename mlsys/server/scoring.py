"""`/score`: a CSV file comes back with an answer beside each row, and with what is wrong where there is none."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from mlsys.serving.column_rows import ColumnRows
from mlsys.serving.plain_texts import json_values

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
class FileScoring:
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
        yield file.lines([[*file.header, *answer_columns(model), "problem"]])
        place = 0
        while records := list(islice(file.records, _AT_ONCE)):
            begun = time.perf_counter()
            answered = answered_records(records, file.header, model, first=place)
            if answered.rows:
                told = (answered.rows, answered.answers, clock.now(), time.perf_counter() - begun)
                noticed = model.watch.noticed(answered.rows)
                for tell in self.watchers:
                    tell(Answered(pipeline, model, CHAMPION, request, *told, answered.given, noticed))
            yield file.lines(answered.records)
            place += len(records)


@dataclass(frozen=True)
class OpenedFile:
    """A CSV file behind its header."""

    header: Sequence[str]
    records: Iterator[list[str]]
    delimiter: str

    def lines(self, records: Iterable[Sequence[Any]]) -> bytes:
        """Return records as the file has them."""
        text = io.StringIO()
        csv.writer(text, delimiter=self.delimiter, lineterminator="\n").writerows(records)
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
    lines = io.StringIO(text, newline=None)  # however they end
    headers = [(mark, _first(lines, mark)) for mark in (",", ";", "\t", "|")]
    delimiter, header = max(headers, key=lambda one: len(set(one[1]) & set(features)))
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
    lines.seek(0)
    records = csv.reader(lines, delimiter=delimiter)
    next(records)
    return OpenedFile(header, (record for record in records if record), delimiter)


@dataclass(frozen=True)
class AnsweredRecords:
    """Records with their answers, and the rows among them that could be read: features alone, and all columns as they
    were given.
    """

    records: list[list[Any]]
    rows: ColumnRows
    given: ColumnRows
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
    kept = [place for place in range(len(records)) if place not in wrong]
    given = _columns([records[place] for place in kept], header)
    rows, features = _typed(given, model), model.champion.features
    answers: Any = None
    try:
        answers = model.answers(rows) if kept else None
    except DataError:
        for at, name, value in model.unreadable(rows):
            wrong.setdefault(kept[at], f"{name}: {value!r} can't be read, but {allowed(features[name])}")
        left = [at for at, place in enumerate(kept) if place not in wrong]
        kept, given = [kept[at] for at in left], given.at(left)
        rows = _typed(given, model)
        answers = model.answers(rows) if kept else None
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
    return AnsweredRecords(found, rows, given, answers)


def _columns(records: Sequence[list[str]], header: Sequence[str]) -> ColumnRows:
    """Return the fields of records by column, None where they are blank."""
    columns = zip(*records, strict=True) if records else [()] * len(header)
    given = {
        name: [text if text and not text.isspace() else None for text in fields]
        for name, fields in zip(header, columns, strict=True)
    }
    return ColumnRows(given, len(records))


def _typed(given: ColumnRows, model: ServedModel) -> ColumnRows:
    """Return the features among columns of texts, numbers and truth values as such where they are written plainly."""
    features = model.champion.features
    return ColumnRows({name: json_values(given.columns[name], features[name]) for name in features}, len(given))


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


def _problem(what: str | None, place: int) -> str:
    return "" if what is None else f"row {place + 1}: {what}"


def _first(lines: io.StringIO, delimiter: str) -> list[str]:
    """Return the first record of a file."""
    lines.seek(0)
    return next(csv.reader(lines, delimiter=delimiter), [])


async def _body(request: Request) -> bytes:
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > MOST_BYTES:
            raise refused(413, "The file is too large", allowed=f"at most {MOST_BYTES / 1e6:.0f} MB")
    return bytes(found)
