# Plain make, git and Python 3.11 or newer: nothing else is needed.
#
#   make book    the book, executed and built      (make help lists the rest)
#   make test    everything that must pass
#
# Variables that may be given on the command line:
#   PYTHON=python3.12   the Python that .venv is made with
#   PINS=               install the newest versions instead of the pinned ones

PYTHON ?= python3
PINS ?= -c constraints.txt

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# torch comes first, by itself: it is the large one, and the rest then finds it.
TORCH = $(if $(strip $(PINS)),$(shell grep '^torch==' constraints.txt),torch)

# Smoke numbers are kept apart from the published page, in a folder of their own
# (which can't be called _build: nbmake passes over notebooks in such folders).
SMOKE := _smoke
BUILD := jupyter-book build -W -n --keep-going --toc "$(CURDIR)/_toc.yml"

# `dlib`, `jupyter-book` and the notebooks' kernels are all those of .venv.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYDEVD_DISABLE_FILE_VALIDATION := 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help install book lab test lint types unit notebooks smoke-book pages \
        pair bench wheel clean distclean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | \
	  awk -F ':.*## ' '{ printf "  make %-11s %s\n", $$1, $$2 }'

install: $(INSTALLED)  ## make .venv and install the pinned dependencies

$(INSTALLED): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { \
	  echo "error: there is no '$(PYTHON)' here; Python 3.11 or newer is" \
	    "needed. Name it: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; \
	  exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: Python 3.11 or newer is needed, and '$(PYTHON)' is" \
	    "$$($(PYTHON) --version 2>&1)." \
	    "Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; \
	  exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV): some minutes, once."
	$(BIN)/python -m pip install -q --no-compile $(TORCH)
	$(BIN)/python -m pip install -q --no-compile $(PINS) -e '.[book,ray,test]'
	@# Compiled once, on all cores: a process that may not write bytecode would
	@# compile torch at every start. Some packages hold files that can't be.
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null 2>&1 || true
	@touch $@

# --- the book ---------------------------------------------------------------

# Executed notebooks are cached by their own text. What they import may change
# too: then everything that was built with the old library is thrown away.
LIBRARY = $$({ find src/dlib -type f ! -name '*.pyc' | LC_ALL=C sort; \
  find src/dlib -type f ! -name '*.pyc' -exec cksum {} + | LC_ALL=C sort; \
  cksum constraints.txt; } | cksum)

book: $(INSTALLED)  ## execute every chapter, build the HTML, say where it is
	@now="$(LIBRARY)"; \
	if [ "$$now" != "$$(cat book/_build/library 2>/dev/null)" ]; then \
	  rm -rf book/_build && mkdir -p book/_build && \
	  echo "$$now" > book/_build/library; \
	fi
	@# Sphinx warns about a page only when it reads it: after a failure, all
	@# pages are read again, or the second attempt would pass unseen.
	DLIB_BUDGET=book DLIB_PAGE=1 $(BUILD) book --config _config.yml --path-output book || \
	  { rm -rf book/_build/.doctrees; exit 1; }
	@echo "Open the book: $(CURDIR)/book/_build/html/index.html"

lab: $(INSTALLED)  ## open the chapters in JupyterLab
	jupyter lab book

# --- the tests --------------------------------------------------------------

test: lint types unit notebooks smoke-book pages  ## everything that must pass
	@echo "All checks passed."

lint: $(INSTALLED)  ## ruff: rules and format
	ruff check .
	ruff format --check .

types: $(INSTALLED)  ## mypy on the library
	mypy

unit: $(INSTALLED)  ## unit tests
	pytest -q tests --ignore=tests/book

# A copy of the chapters is executed and keeps its outputs: the repository's
# notebooks stay without any, and the smoke book is built from the copy. What was
# executed before is taken again where nothing has changed that it depends on.
notebooks: $(INSTALLED)  ## execute the chapters that changed, smoke budget
	python tests/book/execute.py "$(LIBRARY)" book $(SMOKE)

smoke-book: $(INSTALLED)  # needs `notebooks` before it
	@sed 's/execute_notebooks: .*/execute_notebooks: "off"/' _config.yml \
	  > $(SMOKE)/_config.yml
	@rm -rf $(SMOKE)/_build
	$(BUILD) $(SMOKE)/book --config $(SMOKE)/_config.yml --path-output $(SMOKE)

pages: $(INSTALLED)  # pairing, links, alt texts: needs `smoke-book` before it
	UNTANGLED_HTML=$(SMOKE)/_build/html pytest -q tests/book

# --- by hand ----------------------------------------------------------------

pair: $(INSTALLED)  ## bring each chapter's .py and .ipynb in step, no outputs
	jupytext --sync $$(find book -name '*.py' ! -path '*/_build/*' \
	  ! -path '*/_extensions/*')
	@python -c "$$STRIP" $$(find book -name '*.ipynb' ! -path '*/_build/*' \
	  ! -path '*/.ipynb_checkpoints/*')

define STRIP
import sys, nbformat
for path in sys.argv[1:]:
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata.pop("widgets", None)
    nbformat.write(notebook, path)
endef
export STRIP

bench: $(INSTALLED)  ## the speed of what users wait for
	@for script in benchmarks/*.py; do \
	  echo "== $$script"; python "$$script" || exit 1; done

wheel: $(INSTALLED)  ## build the wheel into dist/
	$(BIN)/python -m pip wheel -q --no-deps -w dist .
	@ls -l dist/*.whl

clean:  ## remove what was built (not .venv)
	rm -rf book/_build $(SMOKE) dist .pytest_cache .mypy_cache .ruff_cache
	find book src tests benchmarks -name __pycache__ -type d -prune \
	  -exec rm -rf {} +

distclean: clean  ## remove .venv as well
	rm -rf $(VENV)
