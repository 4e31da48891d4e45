"""The pages that are made from code can't differ from it, and nothing of the code is missing on them."""

from __future__ import annotations

import re
from pathlib import Path

import check_reference
import pytest
import reference_commands
import reference_python
import reference_spec
from findings import ROOT
from made_pages import table
from pydantic import Field

import mlsys
from mlsys.cli.main import commands
from mlsys.components import Frozen
from mlsys.pipeline import Finished
from mlsys.spec import flatten, load_spec

SPECS = sorted((ROOT / "include" / "pipelines").glob("*.yaml"))


@pytest.mark.slow
def test_the_pages_are_those_of_the_code_and_another_text_is_a_finding(tmp_path: Path) -> None:
    for name, page in check_reference.PAGES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(page(), encoding="utf-8")
    assert check_reference.check(tmp_path) == []
    (tmp_path / reference_spec.PAGE).write_text("# Spec reference\n", encoding="utf-8")
    (tmp_path / reference_python.PAGE).unlink()
    found = {finding.path.name: finding.remedy for finding in check_reference.check(tmp_path)}
    assert found == {"spec-reference.md": "make reference", "python.md": "make reference"}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_key_of_a_spec_has_its_line(path: Path) -> None:
    page = reference_spec.page()
    for key in flatten(load_spec(path).dump()):
        if key.endswith("kind"):
            continue
        general = re.sub(r"\.\d+(?=\.|$)", ".N", key)
        # Said once: source, columns and rules of a joined table are as those of the pipeline.
        general = re.sub(r"^joins\.N\.(?=source\.|schema\.)", "", general)
        general = re.sub(r"^joins\.N\.(?=rules\.)", "checks.", general)
        general = re.sub(r"^joins\.N\.columns\.\w+", "joins.N.columns.COLUMN", general)
        general = re.sub(r"^schema\.\w+$", "schema.COLUMN.type", re.sub(r"^schema\.\w+\.", "schema.COLUMN.", general))
        general = re.sub(r"^features\.text\.\w+", "features.text.COLUMN", re.sub(r"\.N$", "", general))
        assert f"| `{general}` |" in page, key


def test_what_must_be_given_is_marked() -> None:
    lines = reference_spec.page().splitlines()
    required = {line.split("`")[1] for line in lines if "**required**" in line and line.startswith("| `")}
    assert {"pipeline", "source", "schema", "target", "split", "models", "gates", "target.column"} <= required
    assert required.isdisjoint({"owner", "features", "registries", "schedule.hour", "source.table"})


def test_types_limits_and_defaults_are_written_as_in_yaml() -> None:
    page = reference_spec.page()
    assert "| `schedule.hour` | whole number, ≥ 0, ≤ 12 | `2` |" in page
    assert "| `ingest.lookback` | duration | `7d` |" in page
    assert "| `source.quote` | text | `'\"'` |" in page
    assert "| `key` | text, or a list of such | `[]` |" in page
    assert "| `training.seed` | whole number, ≥ 0, < 4,294,967,296 | `42` |" in page
    assert "Undefined" not in page


def test_a_key_that_nothing_explains_is_refused() -> None:
    class Block(Frozen):
        """A block.

        Attributes:
            known: what it is.
        """

        known: int = Field(default=1, ge=0)
        other: str = ""

    with pytest.raises(ValueError, match="says nowhere what `other` means"):
        list(reference_spec.keys(Block, "block"))


def test_every_command_with_every_option_stands_on_its_page() -> None:
    page = reference_commands.page()
    for name, command in commands.commands.items():
        for each in getattr(command, "commands", {name: command}).values():
            for param in each.params:
                names = param.opts if param.param_type_name == "option" else [param.make_metavar(_context(each))]
                assert all(option in page for option in names), (name, param.name)
    assert "| `4` | the run failed, decided `error`, or something is missing |" in page


def _context(command):
    import click

    return click.Context(command)


@pytest.mark.slow
def test_every_public_name_has_its_section() -> None:
    page = reference_python.page()
    for name in mlsys.__all__:
        assert name == "__version__" or f"### {name}\n" in page


def test_a_public_name_without_a_group_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_python, "_GROUPS", {})
    with pytest.raises(ValueError, match=r"Name a group in scripts/reference_python.py for .*load_champion"):
        reference_python.page()


def test_the_example_of_the_python_page_runs(shop: Path) -> None:
    code = reference_python._NOTES["Retraining"].split("```")[1].removeprefix("python\n").replace("phishing", "shop")
    names: dict[str, object] = {}
    exec(compile(code, "docs/python.md", "exec"), names)
    finished = names["finished"]
    assert isinstance(finished, Finished)
    assert finished.version is not None
    assert "Dry run" in finished.version.sentence or "goes on serving" in finished.version.sentence


def test_sections_of_a_docstring_become_lists() -> None:
    doc = "What.\n\nMore.\n\nArgs:\n    a, b: one,\n        and more.\n    c: two.\n\nRaises:\n    E: never."
    assert reference_python.prose(doc) == (
        "What.\n\nMore.\n\n**Args**\n\n- `a, b`: one,\n  and more.\n- `c`: two.\n\n**Raises**\n\n- `E`: never.\n"
    )


def test_a_bar_in_a_cell_is_no_border() -> None:
    assert table(("a",), [("x|y\nz",)]) == "| a |\n| --- |\n| x\\|y z |\n"
