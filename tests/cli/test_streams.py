"""What becomes of the words never decides what becomes of the run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from given.shop import day, edit_spec, make_shop

from mlsys.children import side_by_side
from mlsys.cli import streams
from mlsys.cli.main import guarded
from mlsys.cli.streams import Steady, steady_streams

SAYS_MUCH = (
    "import logging, sys, click; from mlsys.cli.main import leave; from mlsys.cli.terminal import show_table\n"
    "from mlsys.cli.logs import set_up\n"
    "@click.command()\n"
    "def command():\n"
    "    set_up('text', 'INFO')\n"
    "    for _ in range(3000):\n"
    "        logging.getLogger('mlsys').info('größe → ✓'); click.echo('größe → ✓ \\ud800'); click.echo('→', err=True)\n"
    "    show_table(('größe →',), [('✓',)]); sys.stdout.flush(); sys.exit(3)\n"
    "leave(command)"
)


def said(code: str, *, redirect: str = "", encoding: str = "utf-8") -> subprocess.CompletedProcess[bytes]:
    """Run Python code with its output sent somewhere by a shell."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    line = f'"{sys.executable}" -c "$CODE" {redirect}'
    script = f"set -o pipefail; {line}" if "|" in redirect else line
    return subprocess.run(
        ["bash", "-c", script], env={**environment, "CODE": code}, capture_output=True, timeout=120, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "encoding", ["utf-8", "cp1252", "ascii", "latin-1", "utf-8:strict", "cp1252:strict", "ascii:strict"]
)
def test_no_encoding_is_too_small(encoding: str) -> None:
    done = said(SAYS_MUCH, encoding=encoding)
    assert done.returncode == 3
    assert b"UnicodeEncodeError" not in done.stderr
    assert done.stdout.count(b"\\ud800") == 3000
    if encoding.startswith("ascii"):
        assert b"gr\\xf6\\xdfe \\u2192 \\u2713" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "redirect", ["> /dev/full", "2> /dev/full", "&> /dev/full", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_stream_has_to_take_anything(redirect: str, encoding: str) -> None:
    assert said(SAYS_MUCH, redirect=redirect, encoding=encoding).returncode == 3


@pytest.mark.slow
@pytest.mark.parametrize("redirect", ["| head -c 1", "2>&1 | head -c 1", "2> >(head -c 1) | head -c 1"])
def test_a_reader_may_go(redirect: str) -> None:
    assert said(SAYS_MUCH, redirect=redirect).returncode == 3


def test_a_file_never_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    code = (
        "import os, click; from mlsys.cli.main import leave\n"
        "@click.command()\n"
        "def command():\n"
        f"    file = open(r'{tmp_path}/model', 'wb'); os.write(1, b'printed by a library'); file.close()\n"
        "leave(command)"
    )
    assert said(code, redirect="<&- >&- 2>&-").returncode == 0
    assert (tmp_path / "model").read_bytes() == b""


def test_streams_are_as_before_afterwards(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr

    @click.command()
    def command() -> None:
        click.echo("größe")
        assert isinstance(sys.stdout, Steady)

    assert guarded(command, []) == 0
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr().out == "größe\n"


def test_no_stream_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with steady_streams():
        click.echo("größe")
        assert not sys.stdout.isatty()
        with pytest.raises(OSError, match="fileno"):
            sys.stdout.fileno()
    (ended,) = side_by_side({"a": lambda: b"made"}, workers=1, timeout=60)
    assert ended.data == b"made"


@pytest.mark.slow
def test_a_run_into_a_closed_pipe_in_ascii_ends_as_it_would(tmp_path: Path) -> None:
    make_shop(tmp_path, tmp_path / "pipelines", days=12)
    edit_spec(tmp_path / "pipelines", registries=["files"])
    environment = {
        **os.environ,
        "MLSYS_HOME": str(tmp_path),
        "MLSYS_DATABASE": "sqlite",
        "MLSYS_PIPELINES": str(tmp_path / "pipelines"),
        "PYTHONIOENCODING": "ascii:strict",
    }
    command = f'"{sys.executable}" -m mlsys run shop --day {day(11)} 2>&1 | head -c 1; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0
    assert (tmp_path / "registry" / "shop" / "best_model.joblib").exists()
    assert list((tmp_path / "reports" / "shop").glob("*.html"))


def test_a_stream_is_flushed_once_more_when_python_ends_and_names_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Steady(sys.stdout)
    monkeypatch.setattr(streams, "suppress", None)
    kept.flush()
