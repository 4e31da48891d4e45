"""The table of flaws that data may have; all of them are looked for unless the spec says otherwise."""

from mlsys.components import Table
from mlsys.flaws.base import Flaw
from mlsys.flaws.changed_spelling import ChangedSpelling
from mlsys.flaws.changed_unit import ChangedUnit
from mlsys.flaws.collapsed_scores import CollapsedScores
from mlsys.flaws.constant_column import ConstantColumn
from mlsys.flaws.duplicates import Duplicates, NearDuplicates
from mlsys.flaws.flipped_labels import FlippedLabels
from mlsys.flaws.identifier_column import IdentifierColumn
from mlsys.flaws.late_column import LateColumn
from mlsys.flaws.leaking_column import LeakingColumn
from mlsys.flaws.linear_target import LinearTarget
from mlsys.flaws.ordered_codes import OrderedCodes
from mlsys.flaws.telling_gap import TellingGap

FLAWS = Table(
    "flaw",
    "mlsys.flaws",
    Flaw,
    [
        LeakingColumn, TellingGap, LateColumn, LinearTarget, FlippedLabels, Duplicates, NearDuplicates,
        ChangedUnit, ChangedSpelling, OrderedCodes, CollapsedScores, ConstantColumn, IdentifierColumn,
    ],
    hints={
        "leak": "leaking_column", "leakage": "leaking_column", "missingness": "telling_gap", "missing": "telling_gap",
        "polarity": "flipped_labels", "unit": "changed_unit", "encoding": "changed_spelling",
        "ordinal": "ordered_codes", "constant": "constant_column", "identifier": "identifier_column",
        "sum": "linear_target",
    },
)  # fmt: skip
