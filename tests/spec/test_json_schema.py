"""The JSON Schema of a spec: whole, held equal to the file that editors read, and no stricter than the check."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from given.shop import SPEC
from jsonschema import Draft7Validator

from mlsys.checks import CHECKS
from mlsys.components import Table
from mlsys.features import FEATURES
from mlsys.gates import GATES
from mlsys.models import MODELS
from mlsys.monitors import MONITORS
from mlsys.registries import REGISTRIES
from mlsys.sources import SOURCES
from mlsys.spec import load_spec
from mlsys.spec.json_schema import as_text, spec_schema
from mlsys.splits import SPLITS

INCLUDE = Path(__file__).parents[2] / "include"
FILES = sorted((INCLUDE / "pipelines").glob("*.yaml"))
TABLES = [SOURCES, CHECKS, SPLITS, FEATURES, MODELS, GATES, MONITORS, REGISTRIES]
VALIDATOR = Draft7Validator(spec_schema())


def errors(text: str) -> list[str]:
    read = json.loads(json.dumps(yaml.safe_load(text), default=str))
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in VALIDATOR.iter_errors(read)]


@pytest.mark.slow
def test_the_file_for_editors_is_what_mlsys_schema_prints() -> None:
    stored = (INCLUDE / "pipelines.schema.json").read_text(encoding="utf-8")
    assert stored == as_text(), "run: mlsys schema > include/pipelines.schema.json"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_specs_that_come_along_name_it(path: Path) -> None:
    first, _, _ = path.read_text(encoding="utf-8").partition("\n")
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / named).resolve() == (INCLUDE / "pipelines.schema.json").resolve()


@pytest.mark.slow
def test_it_is_a_schema_by_its_own_standard() -> None:
    Draft7Validator.check_schema(spec_schema())


@pytest.mark.parametrize("text", [SPEC, *(path.read_text(encoding="utf-8") for path in FILES)])
def test_a_valid_spec_is_valid_by_it(text: str) -> None:
    assert errors(text) == []


@pytest.mark.parametrize(
    "line",
    [
        "tags: [a]",
        "notify: {email: a@b.de, events: promoted, webhook: true}",
        "training: {timeout: 90m}",
        "schedule: {deadline: '06:00', scan: 10m}",
        "monitors: {watch: [feature_drift, {kind: live_metric, window: 14d}]}",
        "registries: [files]",
        "tuning: {enabled: true}",
    ],
)
def test_short_forms_are_valid_by_it(tmp_path: Path, line: str) -> None:
    text = f"{SPEC}{line}\n"
    (tmp_path / "shop.yaml").write_text(text)
    assert load_spec(tmp_path / "shop.yaml")
    assert errors(text) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("models:", "modles:"),
        ("{kind: logistic}", "{kind: logistc}"),
        ("{kind: logistic}", "{kind: logistic, Cc: 1}"),
        ("{kind: logistic}", "{kind: logistic, C: -1}"),
        ("{kind: logistic}", "{kind: logistic, name: a b}"),
        ("{kind: logistic}", "{C: 1}"),
        ("  - {kind: minimum, metric: roc_auc, at_least: 0.6}", "  - minimum\n  - {kind: minimum}\n  - nothing"),
        ("gift: boolean", "gift: bolean"),
        ("lookback: 3d", "lookback: 3"),
        ("positive:", "positiv:"),
        ("metrics:", f"tags: [{'x' * 101}]\nmetrics:"),
        ("pipeline: shop", "pipeline: a b"),
    ],
)
def test_what_is_wrong_is_wrong_by_it(old: str, new: str) -> None:
    assert errors(SPEC.replace(old, new, 1))


@pytest.mark.slow
def test_each_component_stands_in_it_with_its_kind() -> None:
    text = as_text()
    for table in TABLES:
        assert isinstance(table, Table)
        for name in table.names():
            assert f'"const": "{name}"' in text, name


@pytest.mark.slow
def test_each_model_is_described_and_each_key_of_a_spec() -> None:
    schema = spec_schema()
    assert [name for name, found in schema["$defs"].items() if not described(found)] == []
    top = schema["properties"].items()
    assert [name for name, found in top if "description" not in found and "$ref" not in found] == []


@pytest.mark.slow
def test_an_attribute_has_its_docstrings_words() -> None:
    name = spec_schema()["$defs"]["Logistic"]["properties"]["name"]
    assert (
        name["description"]
        == "what this candidate is called; default its kind. Two candidates of a kind need two names."
    )
    assert not [found for found in descriptions(spec_schema()) if "Attributes:" in found or "\n" in found]


def described(found: dict[str, Any]) -> bool:
    return "description" in found or any("description" in part for part in found.get("anyOf", ()))


def descriptions(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (item for key, item in value.items() if key == "description" and isinstance(item, str))
        for item in value.values():
            yield from descriptions(item)
    elif isinstance(value, list):
        for item in value:
            yield from descriptions(item)
