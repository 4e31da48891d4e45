"""`mlsys init --edit`: a source that has changed, and the change of the spec that follows; comments stay."""

from __future__ import annotations

from pathlib import Path

import pytest
from given.odd_tables import each, plain, with_columns, write_csv

from mlsys.drafting.editing import Proposal, proposal
from mlsys.drafting.questions import refuse
from mlsys.errors import DataError
from mlsys.spec.fix import unified

BY_HAND = """
pipeline: drafted
source: {{kind: files, path: {path}}}
schema: {{customer_id: text, amount: number, visits: {{type: integer}}, channel: category, bought: category}}
key: customer_id
target: {{column: bought, positive: "yes"}}
drop: [visits]
checks:
  rules:
    - kind: in_set
      column: channel
      values:
        - web
        - app
        - store
    - kind: between   # by hand
      column: visits
      min: 0
split: hash
models: [logistic]
gates: [better_than_champion]
"""


def propose(path: Path) -> Proposal:
    return proposal(path, refuse)


@pytest.fixture
def spec(drafted, work, tmp_path: Path) -> Path:
    """A drafted spec whose table is tmp_path/t.csv."""
    drafted(write_csv(tmp_path / "t.csv", plain()))
    return work.settings.pipelines / "drafted.yaml"


@pytest.mark.slow
def test_the_same_table_proposes_nothing(spec: Path) -> None:
    found = propose(spec)
    assert found.before == found.after
    assert found.remarks == []


@pytest.mark.slow
def test_columns_come_and_go(spec: Path, tmp_path: Path) -> None:
    columns = with_columns(plain(), weight=each(plain(), lambda n: n % 7 / 2), note=each(plain(), lambda _: "same"))
    del columns["visits"]
    write_csv(tmp_path / "t.csv", columns)
    found = propose(spec)
    assert [remark.split(":")[0] for remark in found.remarks] == ["visits", "weight", "note"]
    changed = {line for line in unified(spec, found.before, found.after).splitlines() if line[0] in "+-"}
    assert "-  visits: integer" in changed
    assert "+  weight: number" in changed
    assert any(line.startswith("+  - note") and "the same in every row" in line for line in changed)
    assert not [line for line in found.after.splitlines() if "visits" in line]


@pytest.mark.slow
def test_values_outgrow_their_rules(spec: Path, tmp_path: Path) -> None:
    columns = plain()
    columns["channel"] = ["phone" if n % 20 == 0 else value for n, value in enumerate(columns["channel"])]
    columns["visits"] = [value * 10 for value in columns["visits"]]
    write_csv(tmp_path / "t.csv", columns)
    found = propose(spec)
    assert "values: [app, store, web, phone]" in found.after
    assert "max: 600, severity: warning}" in found.after
    assert len(unified(spec, found.before, found.after).splitlines()) < 20


@pytest.mark.slow
def test_a_type_that_no_longer_fits(spec: Path, tmp_path: Path) -> None:
    columns = plain()
    columns["amount"] = [f"{value:.2f}".replace(".", ",") for value in columns["amount"]]
    write_csv(tmp_path / "t.csv", columns, separator=";")
    text = spec.read_text()
    spec.write_text(text.replace('separator: ","', 'separator: ";"'))
    found = propose(spec)
    assert '  amount: {type: number, decimal: ","}' in found.after


@pytest.mark.slow
def test_a_lost_target_is_refused(spec: Path, tmp_path: Path) -> None:
    columns = plain()
    write_csv(tmp_path / "t.csv", {name: columns[name] for name in columns if name != "bought"})
    with pytest.raises(DataError, match="lost the column 'bought', which is the spec's `target`"):
        propose(spec)


@pytest.mark.slow
def test_a_spec_that_was_written_by_hand(spec: Path, tmp_path: Path) -> None:
    columns = with_columns(plain(), weight=each(plain(), lambda n: n % 7 / 2), same=each(plain(), lambda _: "x"))
    columns["channel"] = ["phone" if n % 20 == 0 else value for n, value in enumerate(columns["channel"])]
    del columns["visits"]
    write_csv(tmp_path / "t.csv", columns)
    spec.write_text(BY_HAND.format(path=tmp_path / "t.csv"))
    after = propose(spec).after
    assert "schema: {customer_id: text, amount: number, channel: category, bought: category, weight: number" in after
    assert "        - store\n        - phone\n" in after
    assert "visits" not in after
    assert "kind: between" not in after
    assert "\ndrop:\n  - same" in after
