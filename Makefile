# The two commands of this project are `make demo` and `make test`. Each makes its own virtual
# environment when it is needed, from PYTHON (3.11 or later), pinned by constraints.txt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_OUT ?= demo-output
WORKERS ?= 2
INPUTS ?= 5000
SEED ?= 0
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt
BUNDLE := src/vlmscope/viewer/bundle
SOURCES := pyproject.toml constraints.txt

.PHONY: demo test check check-long docs house mutation fuzz viewer browser venv clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.core-stamp
	@$(BIN)/vlmscope demo --out $(DEMO_OUT)

# halves of the list, so that what a file sets up is set up once, not once in each worker
test: $(VENV)/.dev-stamp
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(TESTS)

check: $(VENV)/.dev-stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_imports.py

# tests marked `long`, one file after another; prints the rows of docs/check-long.md
check-long: $(VENV)/.dev-stamp
	@OMP_NUM_THREADS=1 $(BIN)/python tests/long_rows.py $(TESTS)

# strict: a warning, a broken link or a page that would load from the web is an error
docs: $(VENV)/.docs-stamp
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --clean
	@echo "wrote site/index.html" >&2

# Figures of the source tree: how large, how entangled, how far a call travels.
house: $(VENV)/.dev-stamp
	@$(BIN)/python -m tools.house

# Do the tests of the central modules notice when a line is changed? About an hour on two cores;
# GROUPS="post metrics" takes some of them.
mutation: $(VENV)/.dev-stamp
	@$(BIN)/python -m tools.mutation $(GROUPS)

# Hostile input into every door: no traceback, no half file, no call out, one sentence. INPUTS=500
# SEED=7 for others, KINDS="image heads" for some; what fails is kept in .fuzz/.
fuzz: $(VENV)/.dev-stamp
	@OMP_NUM_THREADS=1 $(BIN)/python -m tools.fuzz --inputs $(INPUTS) --seed $(SEED) $(KINDS)

# What draws results in pages and notebooks: TypeScript in viewer/, built into src/vlmscope/viewer/bundle and
# kept in git, so that nobody who uses vlmscope needs Node. Fails when the bundle in git is not what comes out.
viewer:
	@cd viewer && npm ci --no-audit --no-fund --loglevel=error
	@cd viewer && npm run --silent typecheck && npm test --silent
	@shipped=$$(mktemp -d) && cp $(BUNDLE)/* $$shipped && (cd viewer && npm run --silent build -- --logLevel error) && \
	  { diff -rq $$shipped $(BUNDLE) >&2 || { \
	  echo "The bundle in $(BUNDLE) was not the one that viewer/ builds. It is now: commit it." >&2; exit 1; }; }

# A browser for the tests that lead one, too large for `make test` to fetch: without it they are skipped. What
# cannot be installed here is said, and fails nothing.
browser: $(VENV)/.dev-stamp
	@$(PIP) playwright || echo "playwright cannot be installed here: tests that lead a browser are skipped." >&2
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	  { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } \
	  >/dev/null 2>&1 || echo "Chromium cannot be installed here: tests that open a page are skipped." >&2

venv: $(VENV)/.dev-stamp

# `-qq` leaves only pip's errors; a failed step leaves no stamp, so it is tried again.
$(VENV)/.core-stamp: $(SOURCES)
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else \
	  "vlmscope needs Python 3.11 or later, and $(PYTHON) is " + sys.version.split()[0] + \
	  ". Name another one: make PYTHON=python3.11 $(MAKECMDGOALS)")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing vlmscope into $(VENV) (once; a few minutes) ..." >&2
	@$(PIP) --editable .
	@touch $@

$(VENV)/.dev-stamp: $(VENV)/.core-stamp
	@echo "Installing the test tools into $(VENV) ..." >&2
	@$(PIP) --editable '.[dev]'
	@touch $@

$(VENV)/.docs-stamp: $(VENV)/.core-stamp
	@echo "Installing the documentation's tools into $(VENV) ..." >&2
	@$(PIP) --editable '.[docs]'
	@touch $@

clean:
	rm -rf $(VENV) viewer/node_modules $(DEMO_OUT) site build dist .pytest_cache .mypy_cache .ruff_cache
