"""A truncated singular value decomposition that takes whatever vocabulary the training rows gave."""

from __future__ import annotations

from typing import Any


def reduction(n_components: int) -> Any:
    """Return an unfitted TruncatedSVD of at most so many components, seeded.

    It has fewer where the rows have fewer n-grams, and is content with rows that are all alike. Stored, it is
    scikit-learn's own: a model file needs nothing of mlsys to be loaded.
    """
    import numpy as np
    import sklearn
    from sklearn.decomposition import TruncatedSVD

    class Reduction(TruncatedSVD):  # type: ignore[misc]  # scikit-learn is not typed
        def fit_transform(self, X: Any, y: Any = None) -> Any:
            wanted: int = self.n_components
            self.n_components: int = min(wanted, X.shape[1])
            with np.errstate(invalid="ignore", divide="ignore"):  # rows alike have no variance to explain a share of
                return super().fit_transform(X, y)

        def get_feature_names_out(self, input_features: Any = None) -> Any:  # noqa: ARG002 - scikit-learn's signature
            return np.array([f"truncatedsvd{number}" for number in range(len(self.components_))], dtype=object)

        def __reduce__(self) -> tuple[Any, ...]:
            state: dict[str, Any] = dict(vars(self))
            return TruncatedSVD, (), {**state, "_sklearn_version": sklearn.__version__}

    return Reduction(n_components, random_state=0)
