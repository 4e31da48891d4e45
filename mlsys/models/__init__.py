"""The table of models."""

from mlsys.models.base import Model
from mlsys.components import Table

MODELS = Table("model", "mlsys.models", Model, [])
