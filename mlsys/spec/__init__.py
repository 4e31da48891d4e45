"""A pipeline's spec: one YAML file, strictly typed, read without importing any heavy library."""

from mlsys.spec.model import Spec
from mlsys.spec.resolve import (
    Origin,
    ResolvedSpec,
    fingerprint,
    flatten,
    load_spec,
    parse_dump,
    resolve,
    resolved_again,
)

__all__ = [
    "Origin",
    "ResolvedSpec",
    "Spec",
    "fingerprint",
    "flatten",
    "load_spec",
    "parse_dump",
    "resolve",
    "resolved_again",
]
