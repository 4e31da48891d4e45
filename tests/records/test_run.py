import json
from importlib.metadata import version
from typing import get_type_hints

import pytest
from pydantic import ValidationError

from mlsys import records
from mlsys.errors import NotUnderstoodError, RunError
from mlsys.records import Candidate, MetricValue, Record


def test_nan_is_refused_where_none_and_a_reason_belong() -> None:
    with pytest.raises(ValidationError, match="finite"):
        MetricValue(name="roc_auc", value=float("nan"), n=10)


def test_a_record_goes_through_json_unchanged() -> None:
    value = MetricValue(name="roc_auc", value=0.9, lower=0.8, upper=0.95, n=10)
    assert MetricValue.load(json.loads(json.dumps(value.dump()))) == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '{"name": "auc", "value": 0.9, "n": 10, "mood": "good"}',
            "MetricValue: .* not understood: `mood`: Extra inputs",
        ),
        ('{"name": "auc", "value": 0.9, "n": "many"}', "`n`: Input should be a valid integer"),
        ('{"name": "auc"', "Invalid JSON"),
    ],
)
def test_what_a_newer_version_wrote_or_a_crash_left_is_one_error(text: str, says: str) -> None:
    with pytest.raises(NotUnderstoodError, match=rf"{says}.*If a newer mlsys than {version('mlsys')} wrote it"):
        MetricValue.load_json(text.encode())


def test_more_than_16_kb_is_refused() -> None:
    big = Candidate(candidate_id="c", name="n", kind="k", status="failed", notes=tuple("x" * 100 for _ in range(200)))
    with pytest.raises(RunError, match="the limit is 16384"):
        big.dump()


def test_a_record_can_not_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        MetricValue(name="a", value=1.0, n=1).n = 2


def test_every_record_refuses_keys_it_does_not_know() -> None:
    kinds = [kind for kind in vars(records).values() if isinstance(kind, type) and issubclass(kind, Record)]
    assert len(kinds) > 10
    for kind in kinds:
        get_type_hints(kind)
        assert kind.model_config["extra"] == "forbid"
