"""What is wrong with a spec is said in words of our own, and what is missing with a line to write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from given.shop import SPEC
from pydantic import BaseModel

from mlsys.checks import CHECKS
from mlsys.components import Table
from mlsys.errors import SpecError
from mlsys.features import FEATURES
from mlsys.gates import GATES
from mlsys.models import MODELS
from mlsys.monitors import MONITORS
from mlsys.registries import REGISTRIES
from mlsys.schema import ColumnSpec
from mlsys.sources import SOURCES
from mlsys.spec import Spec, load_spec
from mlsys.spec.joins import AsOfJoin, JoinedColumn
from mlsys.spec.messages import REQUIRED
from mlsys.splits import SPLITS
from mlsys.targets import TARGETS

TABLES: dict[str, Table] = {
    "source": SOURCES, "checks": CHECKS, "split": SPLITS, "features": FEATURES, "models": MODELS, "gates": GATES,
    "monitors": MONITORS, "registries": REGISTRIES, "target": TARGETS,
}  # fmt: skip


def required_keys() -> Iterator[str]:
    """Yield the first and the last key of every path at which a spec needs a value."""
    for name, field in Spec.model_fields.items():
        if field.is_required():
            yield field.alias or name
    blocks: list[tuple[str, type[BaseModel]]] = [
        ("schema", ColumnSpec),
        ("joins", AsOfJoin),
        ("joins", JoinedColumn),
    ]
    blocks += [
        (name, field.annotation)
        for name, field in Spec.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel) and name not in TABLES
    ]
    blocks += [(name, member) for name, table in TABLES.items() for member in table]
    for name, model in blocks:
        yield from (f"{name}.{field.alias or key}" for key, field in model.model_fields.items() if field.is_required())


def refused(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    return str(caught.value)


def test_every_required_key_has_a_meaning_and_a_line_of_yaml() -> None:
    assert set(required_keys()) == set(REQUIRED)
    for keys, (meaning, example) in REQUIRED.items():
        assert meaning
        assert list(yaml.safe_load(example)) == [keys.rpartition(".")[2]]


def test_the_lines_for_the_top_of_a_spec_make_one(tmp_path: Path) -> None:
    path = tmp_path / "churn.yaml"
    path.write_text("\n".join(example for keys, (_, example) in REQUIRED.items() if "." not in keys))
    assert load_spec(path).pipeline == "churn"


@pytest.mark.parametrize("key", ["source", "schema", "target", "split", "models", "gates"])
def test_a_missing_block_says_what_it_is_and_how_to_write_it(tmp_path: Path, key: str) -> None:
    spec = yaml.safe_load(SPEC)
    del spec[key]
    text = refused(tmp_path / "shop.yaml", yaml.safe_dump(spec))
    meaning, example = REQUIRED[key]
    assert f"{key}: required, and not there: {meaning}. For example `{example}`" in text


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{kind: logistic}", "{kind: logistic, C: big}", "models.0.C: must be a number, got 'big'"),
        ("{kind: logistic}", "{kind: logistic, C: 0}", "models.0.C: must be above 0"),
        ("{kind: logistic}", "{kind: logistic, max_iter: 1.5}", "models.0.max_iter: must be a whole number, got 1.5"),
        ("validation_days: 2", "validation_days: 0", "split.validation_days: must be at least 1, got 0"),
        ("replicates: 200", "replicates: 1", "metrics.replicates: must be at least 100, got 1"),
        ("gift: boolean", "gift: bolean", "schema.gift.type: must be 'integer', 'number',"),
        ('{column: returned, positive: "yes"}', "returned", "target: must be a mapping"),
        ('{column: returned, positive: "yes"}', "returned", "For example `target: {column: left, "),
        ("key: order_no", "key: {a: b}", "key: must be a list"),
        ("key: order_no", "key: [1]", "key.0: must be a text, got 1"),
        ("key: order_no", "notify: {webhook: [a]}\nkey: order_no", "notify.webhook: must be a text or true or false"),
        ("key: order_no", "training: {refit: 1}\nkey: order_no", "refit: must be none, train+validation or all"),
        ("key: order_no", "approval: {required: 1}\nkey: order_no", "approval.required: must be true or false, got 1"),
    ],
)
def test_types_and_limits_are_said_in_our_words(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in SPEC
    text = refused(tmp_path / "shop.yaml", SPEC.replace(old, new, 1))
    assert says in text
    assert "Input should" not in text
