"""What all reports share: the templates with their filters and drawings, and a style sheet that the page carries."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from mlsys.report import formats, svg

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


@lru_cache(maxsize=4)
def style(*names: str) -> Markup:
    """Return style sheets (paths below the folder of templates) as one text for a `style` element."""
    texts = [(_FOLDER / name).read_text(encoding="utf-8") for name in names]
    return Markup("".join(texts))  # noqa: S704 - our own files, no data in them
