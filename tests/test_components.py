"""Tables of components: by name, strictly typed, with a hint for a misspelt one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

import pytest
from pydantic import ValidationError

from mlsys import components
from mlsys.components import Component, Frozen, Table


class Tool(Component):
    pass


class Saw(Tool):
    kind: Literal["saw"] = "saw"
    teeth: int = 30
    length: float = 0.5


class Hammer(Tool):
    kind: Literal["hammer"] = "hammer"


class Drill(Tool):
    kind: Literal["drill"] = "drill"


TOOLS = Table("tool", "mlsys.tools", Tool, [Saw, Hammer], hints={"nailer": "hammer"})


class Box(Frozen):
    tools: tuple[TOOLS.field(), ...]  # type: ignore[valid-type]


@dataclass
class EntryPoint:
    target: object
    name: str = "drill"
    value: str = "tools_of_others:Drill"

    def load(self) -> object:
        if isinstance(self.target, Exception):
            raise self.target
        return self.target


def test_a_misspelt_key_is_told_alone_with_the_one_that_was_meant() -> None:
    with pytest.raises(ValidationError) as caught:
        Box.model_validate({"tols": ()})
    (found,) = caught.value.errors()
    assert (found["loc"], found["ctx"]["name"], found["ctx"]["meant"]) == (("tols",), "tols", "tools")


def test_a_number_is_finite() -> None:
    with pytest.raises(ValidationError, match="finite"):
        TOOLS.parse({"kind": "saw", "length": float("nan")})


class Misnamed(Tool):
    kind: Literal["borer"] = "borer"


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([EntryPoint(1 / 3)], "is no Tool: subclass "),
        ([EntryPoint(int)], "is no Tool: subclass "),
        ([EntryPoint(ImportError("no such library"))], "can't be loaded: ImportError: no such library"),
        ([EntryPoint(Misnamed)], 'must declare `kind: Literal["drill"] = "drill"`'),
        ([EntryPoint(Drill), EntryPoint(Drill, value="more_tools:Drill")], "is there 2 times. Uninstall all but one"),
    ],
)
def test_another_packages_component_that_is_none_is_one_error_and_the_others_stay(
    monkeypatch: pytest.MonkeyPatch, entries: list[EntryPoint], said: str
) -> None:
    class Plane(Tool):
        kind: Literal["plane"] = "plane"

    monkeypatch.setattr(
        components,
        "entry_points",
        lambda group, name=None: [] if name == "plane" else [*entries, *([] if name else [EntryPoint(Plane, "plane")])],
    )
    with pytest.raises(ValueError, match="The tool 'drill' of another package") as caught:
        TOOLS.find("drill")
    assert said in str(caught.value)
    assert list(TOOLS.all()) == ["saw", "hammer", "plane"]
    (fault,) = TOOLS.outside()[1]
    assert said in fault


@pytest.mark.parametrize("value", ["saw", {"kind": "saw"}, Saw()])
def test_a_component_is_a_name_a_mapping_or_itself(value) -> None:
    assert TOOLS.parse(value) == Saw()


def test_fields_are_strictly_typed() -> None:
    assert TOOLS.parse({"kind": "saw", "length": 1}) == Saw(length=1.0)
    with pytest.raises(ValidationError, match="teeth"):
        TOOLS.parse({"kind": "saw", "teeth": "30"})
    with pytest.raises(ValidationError, match="tooth"):
        TOOLS.parse({"kind": "saw", "tooth": 30})


@pytest.mark.parametrize(
    ("name", "hint"), [("hamer", "Did you mean 'hammer'?"), ("nailer", "'hammer'"), ("x", "Known: hammer, saw")]
)
def test_an_unknown_name_gets_the_nearest(name, hint) -> None:
    with pytest.raises(ValueError, match=f"No tool named '{name}'") as caught:
        TOOLS.find(name)
    assert hint in str(caught.value)


@pytest.mark.parametrize("value", [3, None, [], {}, {"kind": 3}, {"teeth": 3}])
def test_what_is_no_component_is_refused_with_the_known_ones(value) -> None:
    with pytest.raises(ValueError, match="Known: hammer, saw"):
        TOOLS.parse(value)


def test_a_component_from_outside_is_found_by_its_entry_point(monkeypatch) -> None:
    asked = []

    def entry_points(**query: str) -> list[EntryPoint]:
        asked.append(query)
        return [EntryPoint(Drill)] if query["name"] == "drill" else []

    monkeypatch.setattr(components, "entry_points", entry_points)
    assert TOOLS.parse("drill") == Drill()
    assert asked == [{"group": "mlsys.tools", "name": "drill"}]
    assert TOOLS.names() == ["hammer", "saw"]


def test_a_built_in_component_cannot_be_replaced_from_outside(monkeypatch) -> None:
    monkeypatch.setattr(components, "entry_points", lambda **_: [EntryPoint(Drill, "saw", "tools_of_others:Saw")])
    assert TOOLS.find("saw") is Saw
    assert TOOLS.all()["saw"] is Saw
    (fault,) = TOOLS.outside()[1]
    assert "'saw' of another package (tools_of_others:Saw) has the name of a built-in one" in fault


def test_a_dump_keeps_the_fields_of_every_component() -> None:
    box = Box.model_validate({"tools": ({"kind": "saw", "teeth": 12}, "hammer")})
    dumped = box.model_dump(mode="json")
    assert dumped == {"tools": [{"kind": "saw", "teeth": 12, "length": 0.5}, {"kind": "hammer"}]}


def test_a_component_comes_back_from_what_json_kept_of_it() -> None:
    class Chest(Component):
        kind: Literal["chest"] = "chest"
        of: tuple[TOOLS.field(), ...]  # type: ignore[valid-type]

    chests = Table("chest", "mlsys.chests", Chest, [Chest])
    chest = chests.parse({"kind": "chest", "of": ({"kind": "saw", "teeth": 12}, "hammer")})
    assert chests.stored(json.loads(json.dumps(chest.model_dump(mode="json")))) == chest


def test_a_component_is_never_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Saw().teeth = 3


def test_a_member_without_a_kind_is_a_mistake() -> None:
    class Nameless(Tool):
        pass

    with pytest.raises(TypeError, match="Nameless must declare `kind"):
        Table("tool", "mlsys.tools", Tool, [Nameless])
