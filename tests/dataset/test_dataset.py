"""Stored columns to what models take."""

import numpy as np
import pyarrow as pa

from mlsys.dataset.dataset import feature_frame
from mlsys.schema import LARGEST, ColumnSpec


def test_what_models_can_t_hold_is_missing() -> None:
    values = [1.0, LARGEST, -LARGEST, 3.5e38, -1e39, 1e300, float("inf"), float("nan"), None]
    frame = feature_frame(pa.table({"x": values}), {"x": ColumnSpec(type="number")})
    assert frame["x"].iloc[:3].tolist() == values[:3]
    assert frame["x"].iloc[3:].isna().all()
    assert np.isfinite(frame["x"].iloc[:3].to_numpy().astype(np.float32)).all()


def test_numbers_read_as_text_are_spelt_as_they_come_in() -> None:
    frame = feature_frame(pa.table({"x": [1.0, 2.5, 123_456_789_012.0]}), {"x": ColumnSpec(type="category")})
    assert frame["x"].tolist() == ["1", "2.5", "123456789012"]
