"""Write what Airflow's database holds of this release's DAGs: how a scheduler that is upgraded finds them.

    .venv/bin/python tests/given/homes/make_dags.py <commit>-dags.json.xz

Every key of the spec that changes what is written is set: the question to a person, the deadline, the look for drops.
"""

from __future__ import annotations

import json
import lzma
import os
import sys
import tempfile
from pathlib import Path

from make_home import SPEC

ROOT = Path(__file__).parents[3]
ASKS = "schedule: {deadline: '06:00', scan: 10m}\napproval: {required: true}\n"


def main(target: Path) -> None:
    """Write the file."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "shop.yaml").write_text(SPEC.lstrip() + ASKS, encoding="utf-8")
        os.environ |= {"AIRFLOW_HOME": folder, "MLSYS_HOME": folder, "MLSYS_PIPELINES": folder}
        from airflow.dag_processing.dagbag import DagBag
        from airflow.serialization.serialized_objects import DagSerialization

        bag = DagBag(str(ROOT / "dags"), bundle_name="dags-folder")
        written = json.dumps({name: DagSerialization.to_dict(dag) for name, dag in sorted(bag.dags.items())}, indent=1)
        if bag.import_errors:
            raise SystemExit(str(bag.import_errors))
    target.write_bytes(lzma.compress(written.replace(str(ROOT), "/mlsys").replace(folder, "/home").encode()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
