"""What the peers serve: the champion's own file, behind the least that makes a frame of JSON's rows."""

import json
import os
from pathlib import Path

import joblib
import pandas as pd

FOLDER = Path(os.environ["CHAMPION_FOLDER"])
KINDS = json.loads((FOLDER / "golden.json").read_text(encoding="utf-8"))["columns"]
NUMERIC = ("integer", "number", "boolean")


def loaded():
    """Return the fitted pipeline."""
    return joblib.load(FOLDER / "model.joblib")


def scores(model, rows):
    """Return the probability of the positive class of each row."""
    frame = pd.DataFrame(rows, columns=list(KINDS))
    frame = frame.astype({name: "float64" if kind in NUMERIC else "object" for name, kind in KINDS.items()})
    return model.predict_proba(frame)[:, 1].tolist()
