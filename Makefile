# `make help` lists the targets. Needs Python >= 3.11, Node 20.19+ or 22.12+ and make; the rest it gets itself.

PORT ?= 8080
SPEED ?= 300
RESET ?=
SUBJECT ?= signal.>
# Tests run in so many processes, each with servers of its own.
WORKERS ?= 2
BESIDE := not (browser or long or alone)
UV_VERSION := 0.13.9

PY := .venv/bin/python
UV := .venv/bin/uv
# The first interpreter that is new enough; PYTHON=… names another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)

PROJECTS := $(wildcard libs/*/pyproject.toml services/*/pyproject.toml)
EDITABLES := $(patsubst %/pyproject.toml,-e %,$(PROJECTS))
PYTHON_CODE := libs services strategies tests migrations bench conftest.py
FRONTEND_SOURCES := $(shell find frontend -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
NODE_IS_FIT := const [a, b] = process.versions.node.split('.').map(Number); \
	process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)

.DEFAULT_GOAL := help
.PHONY: help setup docs demo run doctor tap backup restore test lint format bench chaos chaos-quick clean \
	test-python test-frontend test-browser

help: ## this list
	@echo "make TARGET [PORT=8080] [SPEED=300] [RESET=1]"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-16s%s\n", $$1, $$2}'

setup: .venv/.installed frontend/dist/.built ## prepare everything: Python environment in .venv, front end built
	@echo "Ready. Next: make demo"

demo: setup ## the whole platform on recorded data, SPEED times faster than real time, page on PORT; RESET=1 starts afresh
	@$(PY) -m trading_core up --demo --port $(PORT) --speed $(SPEED) $(if $(filter-out 0,$(RESET)),--reset)

run: setup ## the whole platform on live Hyperliquid data, page on PORT; RESET=1 starts afresh
	@$(PY) -m trading_core up --live --port $(PORT) $(if $(filter-out 0,$(RESET)),--reset)

doctor: setup ## is the running platform as it must be, and what is to be done if not?
	@$(PY) -m trading_core doctor

tap: setup ## messages of the bus as they come: make tap SUBJECT='signal.>' [TAP='--since 1h']
	@$(PY) -m trading_core tap '$(SUBJECT)' $(TAP)

backup: setup ## database, streams and archive into the folder TO (default: backup/ and the time)
	@$(PY) -m trading_core backup --to $(or $(TO),backup/$(shell date -u +%Y-%m-%dT%H%M%SZ))

restore: setup ## the backup in the folder FROM into an empty .run
	@$(PY) -m trading_core restore --from $(FROM)

docs: setup ## write the reference pages of docs/ from the code
	@$(PY) docs/generate.py

test: setup lint test-python test-frontend test-browser ## lint, types, all tests, one browser test of the dashboard
	@echo "All tests passed."

lint: setup ## ruff, mypy strict, tsc strict, eslint
	@echo "» ruff"
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@echo "» mypy"
	@.venv/bin/mypy $(wildcard $(PYTHON_CODE))
	@echo "» tsc and eslint"
	@cd frontend && npm run --silent typecheck && npm run --silent lint

test-python: setup ## unit, contract and integration tests, with a real nats-server and a real PostgreSQL
	@echo "» pytest"
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "$(BESIDE)" || { test $$? -eq 1 && \
		echo "» what failed beside other tests, once more with the machine to itself; it stays a defect to mend" && \
		$(PY) -m pytest -m "$(BESIDE)" --last-failed --last-failed-no-failures none; }
	@$(PY) -m pytest -m "alone and not long"

test-frontend: setup ## unit tests of the front end
	@echo "» vitest"
	@cd frontend && npm test --silent

test-browser: setup ## the demo, started and looked at through a Chromium
	@echo "» browser test"
	@$(PY) -m pytest -m "browser and not long" tests/e2e

format: setup ## rewrite the Python code in the common form
	@.venv/bin/ruff check --fix-only -q .
	@.venv/bin/ruff format .

bench: setup ## measure throughput and latency beside the raw limits of this machine
	@$(PY) -m bench

chaos: setup ## break the real processes on purpose (an hour and a half), and write docs/reliability.md; ROWS=R4,R7 for these rows alone
	@PYTHONPATH=.:tests $(PY) -m chaos $(if $(ROWS),--rows $(ROWS)) $(CHAOS) $(if $(KEEP),--keep $(KEEP))

chaos-quick: setup ## the faults of processes once each, judged by ids (about two minutes)
	@echo "» chaos, quick"
	@PYTHONPATH=.:tests $(PY) -m chaos --quick $(if $(ROWS),--rows $(ROWS)) $(CHAOS) $(if $(KEEP),--keep $(KEEP))

clean: ## remove what set-up and builds made; the data in .run stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis frontend/node_modules frontend/dist uv.lock
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.installed: requirements.lock pyproject.toml $(PROJECTS)
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found. Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is too old: Python 3.11 or newer is needed. Name another: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "» Python environment in .venv ($$($(PYTHON) --version))"
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv || \
		{ rm -rf .venv; echo "$(PYTHON) cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(UV) --version 2>/dev/null | grep -q "^uv $(UV_VERSION)" || \
		$(PY) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@echo "» Python packages from requirements.lock, hashes checked"
	@$(UV) pip sync --quiet --python $(PY) --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(PY) --no-deps --no-build-isolation $(EDITABLES)
	@touch $@

frontend/node_modules/.installed: frontend/package-lock.json
	@command -v node >/dev/null 2>&1 || { echo "Node is missing. Install Node 20.19+ or 22.12+ with npm, then try again." >&2; exit 1; }
	@node -e "$(NODE_IS_FIT)" || \
		{ echo "Node $$(node --version) is too old: Node 20.19+ or 22.12+ is needed." >&2; exit 1; }
	@command -v npm >/dev/null 2>&1 || { echo "npm is missing beside Node $$(node --version). Install it, then try again." >&2; exit 1; }
	@echo "» front-end packages from package-lock.json"
	@cd frontend && npm ci --silent --no-audit --no-fund
	@touch $@

frontend/dist/.built: frontend/node_modules/.installed $(FRONTEND_SOURCES)
	@echo "» front-end build"
	@cd frontend && npm run --silent build
	@touch $@
