"""Data Docs: Great Expectations' own pages about a validation, one site per pipeline below MLSYS_HOME/data_docs.

The pages are rendered by Great Expectations and filed here: its site builder would remove the pages of earlier
validations (an ephemeral context does not know them), copy 4 MB of pictures each time and log what goes wrong
instead of raising it. A page's place follows from the cutoff, so validating a snapshot again replaces its page.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from mlsys.store import write_atomically
from mlsys.validation import gx_suite
from mlsys.validation.gx_suite import SuiteRun

FOLDER = "data_docs"


def index_path(pipeline: str) -> str:
    """Return the path of a pipeline's list of pages relative to MLSYS_HOME, whether it exists or not."""
    return f"{FOLDER}/{pipeline}/index.html"


def page_path(pipeline: str, cutoff: datetime) -> str:
    """Return the path of a validation's page relative to MLSYS_HOME, whether it exists or not."""
    # The depth is the one that the links in Great Expectations' page expect.
    return f"{FOLDER}/{pipeline}/validations/{pipeline}/cutoff-{cutoff:%Y-%m-%d}/{cutoff:%Y%m%dT%H%M%SZ}/rows.html"


def write_page(run: SuiteRun, *, pipeline: str, cutoff: datetime, n_rows: int, home: Path) -> str:
    """Write the pages of `run` and the site's index; return the result page's path relative to `home`.

    Raises:
        OSError, RunError: the disk is full or not writable.
    """
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.render.renderer import ExpectationSuitePageRenderer, ValidationResultsPageRenderer

    result = _presentable(run.result, n_rows)
    run_id = RunIdentifier(run_name=f"cutoff {cutoff:%Y-%m-%d}", run_time=cutoff)
    result.meta.update(run_id=run_id, validation_time=cutoff, batch_parameters=None)
    view = _view()
    page = view.render(ValidationResultsPageRenderer().render(result), show_how_to_buttons=False)
    rules = view.render(ExpectationSuitePageRenderer().render(run.suite), show_how_to_buttons=False)
    site = home / FOLDER / pipeline
    path = page_path(pipeline, cutoff)
    write_atomically(home / path, page.encode(), begun_in=site)
    write_atomically(site / "expectations" / f"{pipeline}.html", rules.encode(), begun_in=site)
    write_index(pipeline, home)
    return path


@cache
def _view() -> Any:
    """Return what renders pages: it compiles its templates once, which takes longer than a page."""
    from great_expectations.render.view import DefaultJinjaPageView

    return DefaultJinjaPageView()


def preload() -> None:
    """Import what checks and their page need, and compile its templates: seconds of one core."""
    gx_suite.preload()
    environment = _view().env
    for name in environment.list_templates():
        environment.get_template(name)


def write_index(pipeline: str, home: Path) -> None:
    """List the pages that a pipeline has now."""
    site = home / FOLDER / pipeline
    write_atomically(site / "index.html", _index(pipeline, site).encode())


def _presentable(result: Any, n_rows: int) -> Any:
    """Fill in what the passing expectations were not asked for, and drop the long lists of the failing ones."""
    for item in result.results:
        if item.success and not item.result:
            item.result = {"element_count": n_rows, "unexpected_count": 0, "unexpected_percent": 0.0}
        for key in ("unexpected_list", "unexpected_index_list"):
            item.result.pop(key, None)
    return result


def _index(pipeline: str, site: Path) -> str:
    pages = sorted(site.glob("validations/*/*/*/rows.html"), reverse=True)
    links = "\n".join(
        f'<li><a href="{escape(str(page.relative_to(site)))}">{escape(page.parent.parent.name)}</a></li>'
        for page in pages
    )
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Data Docs of {escape(pipeline)}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.6 system-ui, sans-serif; margin: 3em auto; max-width: 40em; padding: 0 1em }}
</style>
<h1>Data Docs of {escape(pipeline)}</h1>
<p>One page per validation of new data, newest first.
<a href="expectations/{escape(pipeline)}.html">The rules in force</a></p>
<ul>
{links}
</ul>
</html>
"""
