"""Sample makers: the scripts of `include/samples/`, found by name."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from mlsys.errors import UsageError, near_match
from mlsys.settings import Settings


def sample_names(settings: Settings) -> list[str]:
    """Return the names of the sample makers, sorted."""
    return sorted(path.stem for path in settings.samples.glob("[a-z]*.py"))


def make_sample(settings: Settings, name: str, *, days: int, target: Path) -> str:
    """Make the first `days` days of a sample below `target` and return a sentence of what was made.

    Raises:
        UsageError: no such maker.
    """
    maker = load_maker(settings, name)
    target.mkdir(parents=True, exist_ok=True)
    sentence: str = maker.make(target, days)
    return sentence


def load_maker(settings: Settings, name: str) -> ModuleType:
    """Return the maker's module; besides `make` it knows the truth (`fresh`, `true_probability`)."""
    path = settings.samples / f"{name}.py"
    if name not in sample_names(settings):
        raise UsageError(
            f"There is no sample '{name}'. {near_match(name, sample_names(settings))}", where=str(settings.samples)
        )
    found = importlib.util.spec_from_file_location(f"mlsys_sample_{name}", path)
    if found is None or found.loader is None:
        raise UsageError("The sample maker can't be loaded", where=str(path))
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
