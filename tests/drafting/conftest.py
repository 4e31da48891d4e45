"""A home in which drafted specs are checked as `mlsys check` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mlsys.drafting.draft import Draft, Wishes, draft
from mlsys.drafting.file import write_new
from mlsys.drafting.questions import Answerer, refuse
from mlsys.drafting.roles import RolesWish
from mlsys.drafting.target import TargetWish
from mlsys.planning.preview import problems_of
from mlsys.spec import Spec, load_spec
from mlsys.workspace import Workspace, open_workspace


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """An installation on SQLite, one for the tests of a file."""
    home = tmp_path_factory.mktemp("drafting") / "home"
    (home / "pipelines").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLSYS_HOME", str(home))
        patched.setenv("MLSYS_DATABASE", "sqlite")
        patched.setenv("MLSYS_PIPELINES", str(home / "pipelines"))
        with open_workspace() as opened:
            yield opened


@dataclass
class Drafted:
    """A drafted spec: what was decided, the text, the spec, and what `mlsys check` says beyond `ok`."""

    found: Draft
    text: str
    spec: Spec
    warnings: list[str] = field(default_factory=list)

    def line(self, start: str) -> str:
        """Return the first line that begins so, less blanks around it."""
        return next(line.strip() for line in self.text.splitlines() if line.strip().startswith(start))


@pytest.fixture
def drafted(work: Workspace, request: pytest.FixtureRequest) -> Callable[..., Drafted]:
    """Draft a spec from a place, write it, and check it: nothing may stop a run."""

    def make(place: Path | str, *, ask: Answerer = refuse, **said: object) -> Drafted:
        found = draft("drafted", wishes(place, **said), ask)
        path = work.settings.pipelines / "drafted.yaml"
        path.unlink(missing_ok=True)
        write_new(found, path)
        problems = problems_of(work, "drafted", full=False)
        assert not [problem for problem in problems if problem.exit_code], path.read_text()
        return Drafted(found, path.read_text(), load_spec(path), [problem.sentence for problem in problems])

    return make


def wishes(place: Path | str, **said: object) -> Wishes:
    """Return what a person says, by the names of the command's options."""
    target = TargetWish(said.pop("target", None), said.pop("task", None), said.pop("positive", None))  # type: ignore[arg-type]
    roles = RolesWish(said.pop("key", ()), said.pop("time", None))  # type: ignore[arg-type]
    return Wishes(str(place), target=target, roles=roles, **said)  # type: ignore[arg-type]
