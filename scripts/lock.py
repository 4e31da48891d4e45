"""Write requirements*.txt anew from pyproject.toml: universal (3.11 to 3.13, every platform), with hashes.

requirements.txt is what mlsys needs to run, requirements-deploy.txt that and the executors of several machines,
requirements-dev.txt that (but for Kubernetes) and the tools, requirements-bootstrap.txt what installs the others and
builds mlsys itself. Pins that still fit are kept; `--upgrade` asks for the newest versions.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from package_index import pip_settings, uv_environment

ROOT = Path(__file__).resolve().parent.parent
COMMON = [
    "--quiet",
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--custom-compile-command=make lock",
]
BOOTSTRAP = "uv\nhatchling\n"
OPTIONAL = (
    "boosting",
    "environments",
    "excel",
    "explanations",
    "imbalance",
    "mongodb",
)  # of pipelines, as opposed to those of executors and of development


def main() -> int:
    """Compile the files and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="newest versions instead of those pinned now")
    upgrade = ["--upgrade"] if parser.parse_args().upgrade else []
    uv = str(Path(sys.executable).parent / "uv")
    # Additional indexes may hold a part of a release's files: the lock would then fit this machine alone.
    environ = uv_environment(pip_settings(), extra=False)
    steps = [
        ("requirements.txt", [*_extras(*OPTIONAL), *upgrade]),
        (
            "requirements-deploy.txt",
            [*_extras(*OPTIONAL, "celery", "kubernetes"), "--constraint=requirements.txt", *upgrade],
        ),
        (
            "requirements-dev.txt",
            [*_extras(*OPTIONAL, "dev", "test", "celery"), "--constraint=requirements-deploy.txt", *upgrade],
        ),
        ("requirements-bootstrap.txt", ["-", "--constraint=requirements-dev.txt", *upgrade]),
    ]
    for target, arguments in steps:
        command = [uv, "pip", "compile", *COMMON, *arguments, "--output-file", target]
        if subprocess.run(command, cwd=ROOT, env=environ, input=BOOTSTRAP, text=True, check=False).returncode:
            print(f"make lock: {target} could not be written", file=sys.stderr)
            return 1
        print(f"make lock: {target}")
    return 0


def _extras(*names: str) -> list[str]:
    return ["pyproject.toml", *(f"--extra={name}" for name in (*OPTIONAL, *names))]


if __name__ == "__main__":
    sys.exit(main())
