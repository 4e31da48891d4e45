"""What YAML makes of a bare text is refused where a value goes on as it stands, with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from given.shop import SPEC

from mlsys.errors import SpecError
from mlsys.spec import Spec, load_spec, resolve

QUERY = (
    'source: {kind: sql, url: "sqlite:///x", query: "SELECT :c", event_time: placed_at, timezone: UTC, params: {c: %s}}'
)
GUESSES = [
    "NO",
    "no",
    "yes",
    "on",
    "Off",
    "01234",
    "+49123",
    "12:30:00",
    "1:30",
    "1e-3",
    "1E5",
    "2026-01-31",
    "0o17",
    "0x1F",
]
GUESSES += ["0b11", "1_000", "09", "007.5", "2026-01-31 10:00:00"]


def spec_of(folder: Path, text: str) -> Spec:
    path = folder / "shop.yaml"
    path.write_text(text, encoding="utf-8")
    return load_spec(path)


def with_param(value: str) -> str:
    before, _, after = SPEC.partition("source: ")
    return before + QUERY % value + after[after.index("\n") :]


def with_line(old: str, new: str) -> str:
    assert old in SPEC
    return SPEC.replace(old, new, 1)


@pytest.mark.parametrize("guess", [*GUESSES, "1.10", "~", "null"])
def test_a_parameter_of_a_query(tmp_path: Path, guess: str) -> None:
    with pytest.raises(SpecError, match=r"(?s)shop\.yaml:4: source\.params\.c: .*[Qq]uote it if it is a text"):
        spec_of(tmp_path, with_param(guess))
    assert spec_of(tmp_path, with_param(f"'{guess}'")).source.params == {"c": guess}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("False", False), ("0", 0), ("-12", -12), ("0.001", 0.001), ("1.0e-3", 0.001)]
)
def test_what_can_only_mean_one_thing_is_taken(tmp_path: Path, text: str, value: object) -> None:
    taken = spec_of(tmp_path, with_param(text)).source.params["c"]  # type: ignore[attr-defined]
    assert (taken, type(taken)) == (value, type(value))


@pytest.mark.parametrize("guess", [*GUESSES, "1.10"])
def test_the_positive_class(tmp_path: Path, guess: str) -> None:
    with pytest.raises(
        SpecError, match=r"target\.positive: YAML reads a bare .* as .*quote it if it is a text|Quote it"
    ):
        spec_of(tmp_path, with_line('positive: "yes"', f"positive: {guess}"))


@pytest.mark.parametrize("text", ["true", "1", "'no'", "returned", "1.5"])
def test_a_positive_class_that_is_what_it_looks_like(tmp_path: Path, text: str) -> None:
    assert spec_of(tmp_path, with_line('positive: "yes"', f"positive: {text}"))


@pytest.mark.parametrize("guess", ["NO", "01234", "12:30:00", "1e-3", "0o17", "1_000", "2026-01-31"])
@pytest.mark.parametrize("column", ["channel", "n_items"])
def test_listed_values(tmp_path: Path, guess: str, column: str) -> None:
    rule = f"{{kind: in_set, column: {column}, values: [{guess}]}}"
    with pytest.raises(SpecError, match=r"[Qq]uote"):
        spec_of(tmp_path, with_line("{kind: not_null, column: channel}", rule))


@pytest.mark.parametrize("guess", ["0100", "12:30:00", "1e-3", "yes", "0o17"])
def test_limits(tmp_path: Path, guess: str) -> None:
    with pytest.raises(SpecError, match=r"checks\.rules\.0\.min"):
        spec_of(tmp_path, with_line("min: 0}", f"min: {guess}}}"))


@pytest.mark.parametrize("limit", ["0", "-1.50", "1.0e+6", ".5"])
def test_limits_that_are_numbers(tmp_path: Path, limit: str) -> None:
    assert spec_of(tmp_path, with_line("min: 0}", f"min: {limit}}}"))


def test_a_bare_day_is_a_limit_of_a_time(tmp_path: Path) -> None:
    text = with_line("  order_no: integer", "  order_no: integer\n  sent: timestamp").replace(
        "{kind: not_null, column: channel}", "{kind: between, column: sent, min: 2026-01-31}"
    )
    assert spec_of(tmp_path, text).checks.rules[1].min == "2026-01-31"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("metrics:", "tags: [no]\nmetrics:", "tags.0"),
        ("metrics:", "tags: [2026-01-31]\nmetrics:", "tags.0"),
        ("metrics:", "owner: 01\nmetrics:", "owner"),
        ("channel: category", "channel: {type: category, null_values: [NO]}", "schema.channel.null_values.0"),
        ("gift: boolean", "gift: {type: boolean, true_values: [yes]}", "schema.gift.true_values.0"),
        ("{kind: prior}", "{kind: prior, name: 1e5_0, baseline: 01}", "models.1"),
        ("{kind: prior}", "{kind: prior, name: 12:30}", "models.1.name"),
        ("metrics:", "drop: [no]\nmetrics:", "drop.0"),
        ("key: order_no", "key: 01", "key"),
    ],
)
def test_texts_of_any_kind(tmp_path: Path, old: str, new: str, place: str) -> None:
    with pytest.raises(SpecError) as caught:
        spec_of(tmp_path, with_line(old, new))
    assert f": {place}" in str(caught.value)


def test_a_column_named_no(tmp_path: Path) -> None:
    with pytest.raises(
        SpecError, match=r"shop\.yaml:\d+: schema: A key is a text, and YAML reads a bare no as the boolean"
    ):
        spec_of(tmp_path, with_line("gift: boolean", "no: boolean"))


@pytest.mark.parametrize(
    ("old", "new", "remedy"),
    [
        ("validation_days: 2", "validation_days: 010", "Write 10 or 8"),
        ("replicates: 200", "replicates: 3:20", "Write 200"),
        ("{kind: logistic}", "{kind: logistic, C: 1e-3}", "Write 0.001 for the number"),
        ("{kind: logistic}", "{kind: logistic, C: 1e22}", "Write 1.0e"),
    ],
)
def test_numbers_are_counted_in_tens(tmp_path: Path, old: str, new: str, remedy: str) -> None:
    with pytest.raises(SpecError) as caught:
        spec_of(tmp_path, with_line(old, new))
    assert remedy in str(caught.value)


@pytest.mark.parametrize("text", ["schedule: {hour: 02}", "schedule: {deadline: 16:00}", "training: {threads: 0x2}"])
def test_a_number_that_is_what_it_looks_like_is_taken(tmp_path: Path, text: str) -> None:
    assert spec_of(tmp_path, f"{SPEC}{text}\n")


def test_an_override_guesses_no_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(with_param("x"), encoding="utf-8")
    with pytest.raises(SpecError, match=r"^--set: source\.params\.c: YAML reads a bare NO as the boolean false"):
        resolve(path, ["source.params.c=NO"])
    monkeypatch.setenv("MLSYS_SET", "target.positive=01")
    with pytest.raises(SpecError, match=r"^MLSYS_SET: target\.positive: YAML reads a bare 01 as the number 1"):
        resolve(path)
    monkeypatch.delenv("MLSYS_SET")
    assert resolve(path, ["source.params.c='NO'"]).spec.source.params == {"c": "NO"}  # type: ignore[attr-defined]
