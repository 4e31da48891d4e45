"""What all reports share: the templates with their filters and drawings, and a style sheet that the page carries."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from mlsys.events import get_logger
from mlsys.records import RunReport
from mlsys.report import formats, svg
from mlsys.store import write_if_other

log = get_logger(__name__)

_FOLDER = Path(__file__).with_name("templates")


@lru_cache(maxsize=1)
def templates() -> jinja2.Environment:
    """Return the environment that renders reports: everything is escaped, an unknown name is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mlsys.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,  # folding constants costs more than a page ever wins by it
    )
    environment.filters.update(formats.FILTERS)
    environment.globals.update(bullet=svg.bullet, shares=svg.shares)
    return environment


def keep(html: str, path: Path, *, home: Path, run_id: str) -> RunReport:
    """Write a page at `path`, relative to MLSYS_HOME, and return where it lies; the same page is not written again.

    Raises:
        RunError: the disk is full or not writable.
    """
    data = html.encode()
    if write_if_other(home / path, data):
        log.info("report_written", run=run_id, path=path, n_bytes=len(data))
    digest = hashlib.sha256(data).hexdigest()
    return RunReport(run_id=run_id, path=path.as_posix(), sha256=digest, n_bytes=len(data))


@lru_cache(maxsize=4)
def style(*names: str) -> Markup:
    """Return style sheets (paths below the folder of templates) as one text for a `style` element."""
    texts = [(_FOLDER / name).read_text(encoding="utf-8") for name in names]
    return Markup("".join(texts))  # noqa: S704 - our own files, no data in them
