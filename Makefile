# Everything a person does here, by name: `make help` lists it.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-print-directory --no-builtin-rules

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Test processes side by side: one more than cores, since some of them wait for servers and disks; 0 runs the tests in one process.
JOBS ?= 3
# More arguments for pytest: make test ARGS="-k gates -x"
ARGS ?=
# Where tests write: thousands of files are flushed to the disk one by one, which costs nothing in memory. 8 GB of it must
# be free, programs must be allowed to run there, and TMPDIR is obeyed where it is set.
IN_MEMORY = $(shell grep -qs ' /dev/shm tmpfs rw' /proc/mounts && ! grep -qs ' /dev/shm tmpfs [^ ]*noexec' /proc/mounts && df -Pk /dev/shm | awk 'NR == 2 && $$4 > 8000000 { print "/dev/shm" }')
PYTEST = TMPDIR="$${TMPDIR:-$(IN_MEMORY)}" $(BIN)/python -m pytest -q

# Without bytecode the heavy imports cost three to six times as much, so nothing here may suppress it.
unexport PYTHONDONTWRITEBYTECODE
# A path or home meant for another Python would reach into .venv.
unexport PYTHONPATH
unexport PYTHONHOME

define CHECK_PYTHON
if ! command -v '$(PYTHON)' >/dev/null 2>&1; then \
  echo "mlsys needs Python 3.11, 3.12 or 3.13, and there is no '$(PYTHON)' on the path: install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 2; fi; \
if ! '$(PYTHON)' -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; then \
  echo "mlsys needs Python 3.11, 3.12 or 3.13, and '$(PYTHON)' is $$('$(PYTHON)' --version 2>&1 | head -n 1): name another one: make PYTHON=python3.12" >&2; exit 2; fi
endef

.PHONY: help venv demo test test-long test-fast test-compose lint format types checks bench bench-corruptions bench-dag bench-door bench-estimates bench-flaws bench-intervals bench-joins bench-many bench-monitors bench-page bench-past bench-plans bench-quality bench-serve bench-soak bench-trust bench-trust-live architecture reference changelog lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=python3.12   the Python that .venv is made with"
	@echo "  ONCE=1              make demo ends by itself"
	@echo "  STORY=1             make demo tells of a change of tactics, and of a model that is replaced while it answers"
	@echo "  JOBS=0 ARGS=\"-x\"    make test in one process, with more arguments for pytest"

venv: ## make or refresh .venv from the lock (instant when nothing changed)
	@$(CHECK_PYTHON)
	@'$(PYTHON)' scripts/setup_venv.py

demo: venv ## start everything on this machine and watch one retraining
	@$(BIN)/python -m mlsys.cli.$(if $(STORY),story,demo $(if $(ONCE),--once))

test: venv ## run all tests but the long ones: eleven to thirteen minutes on two cores
	@$(PYTEST) -n $(JOBS) --dist loadfile --no-loadscope-reorder -m "not long" $(ARGS)

test-long: venv ## every kind of run, drops, upkeep, dead workers, Celery, a browser: minutes each on a real Airflow
	@$(PYTEST) -n 0 -m long $(ARGS)

test-fast: venv ## run the quick tests, without servers: what breaks first breaks there
	@$(PYTEST) -n $(JOBS) --dist loadfile --no-loadscope-reorder -m "not slow and not long and not e2e and not postgres and not shop" $(ARGS)

test-compose: venv ## docker-compose.yaml in real containers, one of which is killed (root, podman; no Docker)
	@$(BIN)/python scripts/compose_test.py $(ARGS)

lint: venv ## ruff: style, and whether files are formatted
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: venv ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: venv ## mypy, strict
	@$(BIN)/mypy
	@MYPYPATH=scripts:bench:tests $(BIN)/mypy --strict scripts/*.py bench/*.py

checks: venv ## house rules: imports, names, sizes, tests, kinds, pages made from the code, lock
	@$(BIN)/python scripts/check_all.py

bench: venv ## the reference job as a plain script and as `mlsys run`; writes bench/results.md
	@$(BIN)/python bench/run.py $(ARGS)

bench-corruptions: venv ## corruptions planted into days of the samples, and clean days alone; writes bench/results-corruptions.md
	@OMP_NUM_THREADS=1 $(BIN)/python bench/corruptions.py --days 190 $(ARGS)

bench-dag: venv ## the reference job as a plain script and as a DAG on a warm Airflow; writes bench/results-dag.md
	@$(BIN)/python bench/dag.py $(ARGS)

bench-door: venv ## what the server's door costs a request, layer by layer, in microseconds of CPU; prints
	@$(BIN)/python bench/door.py

bench-estimates: venv ## estimates before labels come, beside what labels then say; writes bench/results-estimates.md
	@OMP_NUM_THREADS=1 $(BIN)/python bench/estimates.py $(ARGS)

bench-flaws: venv ## flaws planted into honest data, and honest data alone; writes bench/results-flaws.md
	@$(BIN)/python bench/trust_flaws.py $(ARGS)
bench-intervals: venv ## intervals and paired differences of 100,000 rows, beside resampling; writes bench/results-intervals.md
	@$(BIN)/python bench/intervals.py $(ARGS)

bench-joins: venv ## a million rows joined as of a time, beside pandas; writes bench/results-joins.md
	@$(BIN)/python bench/joins.py $(ARGS)

bench-many: venv ## what thirty pipelines cost an idle Airflow; writes bench/results-dags.md
	@$(BIN)/python bench/many_pipelines.py $(ARGS)

bench-monitors: venv ## monitors in worlds whose truth is known: false alarms, and delays; writes bench/results-monitors.md
	@OMP_NUM_THREADS=1 $(BIN)/python bench/monitors.py $(ARGS)

bench-page: venv ## what the Models page costs with 33 and 200 pipelines; writes bench/results-page.md
	@$(BIN)/python bench/page.py $(ARGS)

bench-past: venv ## what a long past costs: 10 and 10,000 decisions; writes bench/results-past.md
	@$(BIN)/python bench/past.py $(ARGS)

bench-plans: venv ## of changes of the samples' specs, how often the realised gain lies where the plan expected it; writes bench/results-plans.md
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python bench/plans.py $(ARGS)

bench-quality: venv ## what `mlsys init` drafts against FLAML and XGBoost on public tables; writes bench/results-quality.md
	@MLSYS_DATABASE=sqlite MLSYS_WORKERS=1 OMP_NUM_THREADS=1 $(BIN)/python bench/quality.py $(ARGS)

bench-serve: venv ## what an answer of the server costs (ARGS="--peers": beside others); writes bench/results-serve.md
	@$(BIN)/python bench/serve.py $(ARGS)

bench-soak: venv ## an hour of every kind of request at a server; writes bench/results-soak.md
	@$(BIN)/python bench/soak.py $(ARGS)

bench-trust: venv ## years of nights in worlds whose truth is known, by each rule; writes bench/results-trust-year.md
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python bench/trust_year.py $(ARGS)

bench-trust-live: venv ## champions, good and bad, by the labels of their own requests; writes bench/results-trust-live.md
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python bench/trust_live.py $(ARGS)

architecture: venv ## draw docs/architecture.md and its picture from the imports
	@$(BIN)/python scripts/architecture.py

reference: venv ## write the spec reference, the command line and the Python pages of docs/ from the code
	@$(BIN)/python scripts/reference_pages.py

changelog: venv ## gather changelog.d/ into CHANGELOG.md (RELEASE=1.2.0: as that release)
	@$(BIN)/python scripts/changelog.py $(if $(RELEASE),--release $(RELEASE))

lock: venv ## write requirements*.txt anew from pyproject.toml (UPGRADE=1: newest versions)
	@$(BIN)/python scripts/lock.py $(if $(UPGRADE),--upgrade)

clean: ## remove caches and build leftovers (never var/, never .venv)
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	@find . -path ./.venv -prune -o -path ./var -prune -o -name __pycache__ -type d -print | xargs rm -rf
