"""Sample makers: the scripts of `include/samples/`, found by name."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from mlsys.errors import UsageError, near_match
from mlsys.settings import Settings

_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def sample_names(settings: Settings) -> list[str]:
    """Return the names of the sample makers, sorted."""
    return sorted(path.stem for path in settings.samples.glob("[a-z]*.py"))


def make_sample(
    settings: Settings, name: str, *, days: int, target: Path, options: Mapping[str, str] | None = None
) -> str:
    """Make the first `days` days of a sample below `target` and return a sentence of what was made.

    `options` are keyword arguments of the maker's `make`, as text.

    Raises:
        UsageError: no such maker or option, a value that the maker does not take, or a package that it lacks.
    """
    maker = load_maker(settings, name)
    given = {key: _read(maker, name, key, text) for key, text in (options or {}).items()}
    target.mkdir(parents=True, exist_ok=True)
    try:
        sentence: str = maker.make(target, days, **given)
    except (ModuleNotFoundError, ValueError) as error:
        raise UsageError(str(error).rstrip("."), where=f"sample {name}") from error
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


def package_needed(maker: ModuleType) -> str | None:
    """Return the package whose data a maker hands on, or None for one that draws its rows itself."""
    needed: str | None = getattr(maker, "PACKAGE", None)
    return needed


def _read(maker: ModuleType, name: str, key: str, text: str) -> object:
    """Return an option's value, of the type of its default."""
    known = {
        each.name: each.default
        for each in inspect.signature(maker.make).parameters.values()
        if each.kind is each.KEYWORD_ONLY
    }
    where = f"--set {key}"
    if key not in known:
        raise UsageError(f"The sample '{name}' has no option '{key}'. {near_match(key, known)}", where=where)
    if isinstance(known[key], bool):
        if text.lower() not in _TRUTHS:
            raise UsageError("The option is true or false", where=where, got=text)
        return _TRUTHS[text.lower()]
    try:
        return type(known[key])(text)
    except ValueError:
        raise UsageError("The option is a whole number", where=where, got=text) from None
