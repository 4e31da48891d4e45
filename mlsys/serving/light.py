"""A champion without its fitted estimator, which is read when somebody asks for it: most of the memory is that."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from mlsys.serving.champion import Champion


class LightChampion(Champion):
    """A champion of the file registry whose `model` is loaded, and compared with what was promoted, at its first use.

    Reading `model` raises what `load_champion` does.
    """

    def __getattr__(self, name: str) -> Any:
        if name != "model":  # what a champion has is found before this is asked
            raise AttributeError(name)
        from mlsys.serving.loading import champion_in

        model = champion_in(self.folder, self.pipeline).model
        object.__setattr__(self, "model", model)
        return model


def without_model(champion: Champion) -> dict[str, Any]:
    """Return all that is known of a champion but its estimator."""
    return {each.name: getattr(champion, each.name) for each in fields(champion) if each.name != "model"}


def light_champion(known: dict[str, Any]) -> LightChampion:
    """Return a champion of what `without_model` has returned."""
    found = object.__new__(LightChampion)
    for name, value in known.items():
        object.__setattr__(found, name, value)
    return found
