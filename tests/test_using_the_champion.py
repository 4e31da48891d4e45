"""docs/using-the-champion.md and docs/serving.md are run: their blocks of code, on a sample that was retrained."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
from given.doc_pages import DOCS, blocks
from given.ports import free_port

from mlsys.cli.main import invoke
from mlsys.polling import ask_until
from mlsys.report.usage import loading_code

pytestmark = pytest.mark.slow

PAGE = "using-the-champion.md"
ROOT = Path(__file__).parents[1]
SCORES = "\nimport numpy as np\nnp.save('{name}.npy', y_score)\n"
SERVED = """
import numpy as np
served = mlflow.pyfunc.load_model("models:/phishing@champion").predict(
    frame.astype({"has_https": bool, "form_posts_elsewhere": bool})
)
np.save("served.npy", np.asarray(served)[:, 1])
"""
WITHOUT_MLSYS = """
import sys
assert model.predict_proba
assert not [name for name in sys.modules if name.startswith('mlsys')]
"""
ROWS = """
import pandas as pd
rows = pd.read_sql("SELECT * FROM websites LIMIT 10", "sqlite:///var/samples/phishing.db")
"""
# Runs scripts one after another, each with names of its own, and prints what they raised: all import the packages once.
ONE_BY_ONE = """
import json, sys, traceback
raised = {}
for name, code in json.load(sys.stdin).items():
    try:
        exec(compile(code, name, "exec"), {"__name__": "__main__"})
    except BaseException:
        raised[name] = traceback.format_exc()
print("\\n" + json.dumps(raised))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory in which the sample `phishing` has a champion."""
    path = tmp_path_factory.mktemp("using")
    # One of its models, small: whichever serves is loaded and asked in the same ways.
    models = "models=[{kind: hist_gradient_boosting, max_iter: 20, max_leaf_nodes: 8}]"
    faster = [models, "metrics.replicates=100", "explanations.enabled=false"]
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(path)
        for name, value in environment(path).items():
            patched.setenv(name, value)
        assert invoke(["samples", "make", "phishing"]) == 0
        assert invoke(["run", "phishing", *(word for setting in faster for word in ("--set", setting))]) == 0
    return path


def environment(folder: Path) -> dict[str, str]:
    # MLflow keeps what other tests of this process have set in the environment, the address of its registry, too.
    others = {name: value for name, value in os.environ.items() if not name.endswith("_URI")}
    return {
        **others,
        "MLSYS_DATABASE": "sqlite",
        "MLSYS_PIPELINES": str(ROOT / "include" / "pipelines"),
        "MLSYS_SAMPLES": str(ROOT / "include" / "samples"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/var/mlflow.db",
    }


def code_of(section: str) -> str:
    """Return the blocks of a section as one script."""
    text = (DOCS / PAGE).read_text(encoding="utf-8").partition(f"## {section}\n")[2].partition("\n## ")[0]
    return "\n".join(block.code for block in blocks(PAGE) if block.code in text)


def lines_of_cards(folder: Path) -> dict[str, str]:
    return loading_code("phishing", registries=["mlflow", "files"], home=folder / "var")


@pytest.fixture(scope="module")
def raised(folder: Path) -> dict[str, str]:
    """What each script of the page raised in a fresh process; those that need no mlsys come before those that do."""
    scripts = {
        "From the file alone": code_of("From the file alone") + WITHOUT_MLSYS,
        "Through MLflow": code_of("Through MLflow") + SCORES.format(name="mlflow") + SERVED + WITHOUT_MLSYS,
        "With mlsys": code_of("With mlsys") + SCORES.format(name="mlsys"),
        "A night's batch": code_of("A night's batch"),
        "cards": "\n".join(ROWS + code for code in lines_of_cards(folder).values()),
    }
    done = subprocess.run(
        [sys.executable, "-c", ONE_BY_ONE],
        input=json.dumps(scripts),
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_ways_to_score_rows_agree_and_pyfunc_takes_the_prepared_frame(folder: Path, raised: dict[str, str]) -> None:
    assert "With mlsys" not in raised, raised["With mlsys"]
    assert "Through MLflow" not in raised, raised["Through MLflow"]
    with_mlsys, through_mlflow, served = (np.load(folder / f"{name}.npy") for name in ("mlsys", "mlflow", "served"))
    assert len(with_mlsys) == 1000
    assert through_mlflow.tolist() == with_mlsys.tolist()
    assert served.tolist() == with_mlsys.tolist()


def test_the_file_is_the_estimator_and_wants_no_mlsys(raised: dict[str, str]) -> None:
    assert "From the file alone" not in raised, raised["From the file alone"]


def test_the_nights_batch_scores_every_row_once(folder: Path, raised: dict[str, str]) -> None:
    assert "A night's batch" not in raised, raised["A night's batch"]
    scores = pd.read_csv(folder / "scores.csv")
    assert len(scores) > 300
    assert set(scores["champion"]) == {"1.0.0"}
    assert scores["y_score"].between(0, 1).all()
    assert 0.1 < scores["flagged"].mean() < 0.9


def test_the_lines_of_cards_and_pages_run(folder: Path, raised: dict[str, str]) -> None:
    assert list(lines_of_cards(folder)) == ["With mlsys", "Through MLflow", "From the file alone"]
    assert "cards" not in raised, raised["cards"]


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """Where a server of that directory answers."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "mlsys", "serve", "--port", str(port)], cwd=folder, env=environment(folder)
    )
    found = f"http://localhost:{port}"
    try:
        assert ask_until(bool, lambda: is_ready(found), seconds=100, pause=0.2)
        yield found
    finally:
        process.terminate()
        process.wait(timeout=30)


def is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/ready").status_code == 200
    except httpx.TransportError:
        return False


def test_the_lines_about_serving_say_what_stands_below_them(folder: Path, address: str) -> None:
    page = blocks("serving.md")
    (folder / "row.json").write_text(page[0].code)
    rows = pd.read_sql("SELECT * FROM websites LIMIT 20", f"sqlite:///{folder}/var/samples/phishing.db")
    rows.to_csv(folder / "websites.csv", index=False)
    checked = 0
    for i, block in enumerate(page):
        if block.language != "sh":
            continue
        line = block.code.replace("http://localhost:8000", address)
        done = subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, check=True, timeout=60)
        if page[i + 1 : i + 2] and page[i + 1].language == "text":
            shape = ".*?".join(re.escape(part) for part in page[i + 1].code.strip().split("..."))
            assert re.fullmatch(shape, done.stdout.strip()), done.stdout
            checked += 1
        else:
            assert done.stdout.splitlines()[0].endswith("predicted_probability,predicted_positive,problem")
            assert len(done.stdout.splitlines()) == 21
    assert checked == 4


def test_every_message_of_the_page_is_one_of_the_code() -> None:
    source = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "mlsys").rglob("*.py"))
    table = [line for line in (DOCS / PAGE).read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    quoted = [message for line in table[3:] for message in re.findall(r"`([^`]+)`", line.split("|")[1])]
    assert len(quoted) == 7
    for message in quoted:
        assert all(part.strip() in source for part in message.split("...")), message
