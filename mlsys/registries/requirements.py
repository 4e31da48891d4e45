"""What must be installed to load a model: the packages it is made of, at the versions of this process."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

_NEEDED = ("cloudpickle", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "xgboost", "mlsys")
_OPTIONAL = ("catboost", "lightgbm")  # large, and few models are made of them


def pinned_requirements(model: bytes) -> tuple[str, ...]:
    """Return pinned requirements such as `numpy==2.4.6`, sorted; known in advance, because guessing them is slow.

    Args:
        model: the bytes of the model file; an optional package is needed where they name it, as a pickle names the
            module of each class. A text of the training data that says `catboost` asks for one package too many.
    """
    found = (name for name in _OPTIONAL if name.encode() in model and _installed(name))
    return tuple(sorted((*_pinned(), *(f"{name}=={version(name)}" for name in found))))


@cache
def _pinned() -> tuple[str, ...]:
    return tuple(f"{name}=={version(name)}" for name in _NEEDED)


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:  # it is named by chance: the model was fitted here
        return False
    return True
