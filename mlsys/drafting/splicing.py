"""Changes in the text of a spec by key paths: entries, items and values go in and out, all else stays as it stands."""

from __future__ import annotations

from collections.abc import Sequence

from mlsys.drafting.yaml_text import in_flow, line
from mlsys.spec.text import Document, KeyPath


class Splices:
    """Changes of one document, collected and applied together."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._changes: list[tuple[int, int, str]] = []
        self._appended: dict[KeyPath, list[str]] = {}
        self._removed: set[KeyPath] = set()

    def mentions(self, text: str) -> bool:
        """Return whether the document holds a text, in a comment perhaps."""
        return text in self._document.text

    def text(self) -> str:
        """Return the text with all changes."""
        for keys, lines in self._appended.items():
            self._insert_below(keys, lines)
        text = self._document.text
        ending = "\r\n" if "\r\n" in text else "\n"
        for start, end, new in sorted(self._changes, reverse=True):
            text = text[:start] + new.replace("\n", ending) + text[end:]
        return text

    def remove_key(self, keys: KeyPath) -> None:
        """Remove a key with all that belongs to it."""
        written = self._document.written.get(keys)
        if written is None or written.key is None:
            return
        self._removed.add(keys)
        start, end = written.key[0], self._span(keys)[1]
        if not self._before(start).strip():
            self._remove_lines(start, self._closed(start, end))
        else:  # in one line with others
            self._cut(start, self._closed(written.key[1], end) if self._below(keys) else end)

    def remove_items(self, keys: KeyPath, value: str) -> None:
        """Remove the items of a list of texts that are `value`; a list that is left empty goes as well."""
        items = self._below(keys)
        gone = [item for item in items if self._document.written[item].value == value]
        if gone and len(gone) == len(items):
            self.remove_key(keys)
            return
        for item in gone:
            self.remove_item(item)

    def remove_item(self, keys: KeyPath) -> None:
        """Remove an item of a list."""
        start, end = self._span(keys)
        if self._before(start).strip() in ("-", "- {"):
            self._remove_lines(start, end)
        else:
            self._cut(start, end)

    def _cut(self, start: int, end: int) -> None:
        """Remove a part of a line with the comma behind it, or else the one before it."""
        text = self._document.text
        after = text[end:]
        if after.lstrip().startswith(","):
            end += after.index(",") + 1
            end += len(text[end:]) - len(text[end:].lstrip(" "))
            self._changes.append((start, end, ""))
        else:
            comma = self._before(start).rfind(",")
            self._changes.append((start if comma < 0 else self._line_start(start) + comma, end, ""))

    def replace_value(self, keys: KeyPath, new: str) -> None:
        """Replace a value by a text of YAML."""
        written = self._document.written.get(keys)
        if written is None:
            return
        if written.token is not None:
            self._changes.append((*written.token, new))
            return
        end = self._span(keys)[1]
        text = self._document.text
        assert written.key is not None
        colon = text.index(":", written.key[1]) + 1
        self._changes.append((colon, self._closed(colon, end), f" {new}"))

    def extend(self, keys: KeyPath, values: Sequence[object]) -> None:
        """Add values at the end of a list of scalars."""
        items = self._below(keys)
        if not items:
            return
        start, end = self._span(items[-1])
        before = self._before(start)
        if before.strip() == "-":
            line_end = self._line_end(end)
            self._insert_lines(line_end, [f"{before}{in_flow(value)}" for value in values])
        else:
            self._changes.append((end, end, "".join(f", {in_flow(value)}" for value in values)))

    def append_entry(self, keys: KeyPath, lines: Sequence[str]) -> None:
        """Add lines at the end of a block, indented as what stands there."""
        self._appended.setdefault(keys, []).extend(lines)

    def append_item(self, keys: KeyPath, value: str, why: str) -> None:
        """Add a text to a list, with its reason where each item has a line; begin the list where there is none."""
        items = [] if keys in self._removed else self._below(keys)
        if not items:
            missing = keys not in self._appended
            self._appended.setdefault(keys, [f"{keys[-1]}:"] if missing else []).extend(
                line(f"  - {in_flow(value)}", why)
            )
        elif self._begins_line(items[0]):
            self.append_entry(keys, line(f"- {in_flow(value)}", why))
        else:
            self.extend(keys, [value])

    def _insert_below(self, keys: KeyPath, lines: Sequence[str]) -> None:
        text = self._document.text
        below = [] if keys in self._removed else self._below(keys)
        if not below:  # a block that begins here
            self._changes.append((len(text), len(text), "\n" + "\n".join(lines) + "\n"))
            return
        last = below[-1]
        written = self._document.written[last]
        begin = written.key[0] if written.key is not None else self._span(last)[0]
        before = self._before(begin)
        if before.strip(" -"):  # in one line with others: no place for comments
            end = self._closed(begin, self._span(last)[1]) if self._is_mapping(last) else self._span(last)[1]
            plain = [each.split("  #")[0].strip() for each in lines if not each.startswith("#")]
            self._changes.append((end, end, "".join(f", {each}" for each in plain)))
            return
        # Of a mapping in a list the first key stands behind the dash, in the column of all its keys.
        indent = " " * len(before) if written.key is not None else before[: len(before) - len(before.lstrip())]
        place = self._line_end(self._span(last)[1])
        self._insert_lines(place, [f"{indent}{each}" for each in lines])

    def _insert_lines(self, place: int, lines: Sequence[str]) -> None:
        """Insert whole lines where one ends; the last one of a file may have no end yet."""
        unended = self._document.text[:place].rpartition("\n")[2]
        self._changes.append((place, place, "\n" * bool(unended) + "".join(f"{each}\n" for each in lines)))

    def _is_mapping(self, keys: KeyPath) -> bool:
        return bool(self._below(keys))

    def _begins_line(self, keys: KeyPath) -> bool:
        return self._before(self._span(keys)[0]).strip() == "-"

    def _below(self, keys: KeyPath) -> list[KeyPath]:
        return [each for each in self._document.written if each[:-1] == keys and len(each) == len(keys) + 1]

    def _span(self, keys: KeyPath) -> tuple[int, int]:
        """Return where a value's first scalar begins, its keys included, and where its last one ends."""
        inside = [each for path, each in self._document.written.items() if path[: len(keys)] == keys]
        keyed = [
            each.key for path, each in self._document.written.items() if path[: len(keys)] == keys and path != keys
        ]
        spans = [each.token for each in inside if each.token is not None] + [each for each in keyed if each is not None]
        return min(start for start, _ in spans), max(end for _, end in spans)

    def _closed(self, start: int, end: int) -> int:
        """Return where something ends whose last scalar ends at `end`: behind the brackets that close it."""
        text = self._document.text
        opened = text[start:end]
        missing = sum(opened.count(mark) for mark in "[{") - sum(opened.count(mark) for mark in "]}")
        while missing > 0 and end < len(text) and text[end] in " ]},":
            missing -= text[end] in "]}"
            end += 1
        return end

    def _remove_lines(self, start: int, end: int) -> None:
        """Remove whole lines, from that of `start` to that of `end`."""
        self._changes.append((self._line_start(start), self._line_end(end), ""))

    def _before(self, place: int) -> str:
        """Return what stands before a place in its line."""
        return self._document.text[self._line_start(place) : place]

    def _line_start(self, place: int) -> int:
        return self._document.text.rfind("\n", 0, place) + 1

    def _line_end(self, place: int) -> int:
        found = self._document.text.find("\n", place)
        return len(self._document.text) if found < 0 else found + 1
