"""What the check scripts share: a finding, the files they look at, and how findings are printed."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = ("mlsys", "dags", "plugins", "include", "scripts", "bench", "tests")
EXTENSION_FOLDERS = (
    "sources",
    "checks",
    "splits",
    "features",
    "models",
    "metrics",
    "gates",
    "registries",
    "monitors",
    "targets",
    "flaws",
)


@dataclass(frozen=True)
class Finding:
    """A broken rule: where, what, and what to do about it."""

    path: Path
    line: int
    what: str
    remedy: str

    def text(self, root: Path) -> str:
        """Return `file:line: what: remedy`."""
        return f"{self.path.relative_to(root)}:{self.line}: {self.what}: {self.remedy}"


def python_files(root: Path, folders: tuple[str, ...] = CODE) -> Iterator[tuple[Path, str]]:
    """Yield each Python file of these folders below `root` with its path relative to `root`."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            if "__pycache__" not in path.parts:
                yield path, path.relative_to(root).as_posix()


def parsed(path: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def main(check: Callable[[Path], list[Finding]], root: Path = ROOT) -> int:
    """Print the findings of a check and return 1 if there are any."""
    found = check(root)
    for finding in found:
        print(finding.text(root))
    name = Path(sys.modules[check.__module__].__file__ or "").stem
    print(f"{name}: {len(found)} findings" if found else f"{name}: ok", file=sys.stderr if found else sys.stdout)
    return 1 if found else 0
