"""What must be installed to load a model: the packages it is made of, at the versions of this process."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

_NEEDED = ("cloudpickle", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "xgboost", "mlsys")


@cache
def pinned_requirements() -> tuple[str, ...]:
    """Return pinned requirements such as `numpy==2.4.6`, sorted; known in advance, because guessing them is slow."""
    return tuple(f"{name}=={version(name)}" for name in sorted(_NEEDED))
