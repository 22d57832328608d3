# make demo: the main job, from nothing. make test: the whole test suite. CONTRIBUTING.md explains the rest.

# The first Python from 3.11 on that can make a virtual environment; Debian's needs the package python3-venv for that.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
  $$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null && echo $$python && break; done)
BIN := .venv/bin
INSTALLED := .venv/.installed
EXAMPLE := opt-125m

.PHONY: demo test test-live fuzz lint generate snapshots cases clean

demo: $(INSTALLED)
	@PATH="$(CURDIR)/$(BIN):$$(dirname "$$($(BIN)/python tools/fetch_helm.py)"):$$PATH" sh tools/demo.sh $(EXAMPLE)

test: .venv/.tests-installed
	$(BIN)/python -m pytest -n auto

# A real vLLM on the CPU, 2.2 GB, in .venv-vllm. LIVE=live_smoke is the shortest part.
LIVE ?= live
test-live: .venv/.tests-installed
	sh tests/live/install_vllm.sh .venv-vllm
	[ -e .cache/live/models/embed/modules.json ] || .venv-vllm/bin/python tests/live/make_tiny_models.py .cache/live/models
	$(BIN)/python -m pytest tests/live -m $(LIVE)

# New random values, files and commands, with both helms: COUNT of each.
COUNT ?= 2000
fuzz: .venv/.tests-installed
	$(BIN)/python -m tests.fuzz --count $(COUNT)

lint: .venv/.tests-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yaml

# With the tests' packages: kubernetes-validate has the descriptions of Kubernetes' fields.
generate: .venv/.tests-installed
	$(BIN)/modelservice generate

snapshots: .venv/.tests-installed
	$(BIN)/python -m tests.chart.snapshots

cases: .venv/.tests-installed
	$(BIN)/python -m tests.write_cases

clean:
	rm -rf .venv .cache build dist

$(INSTALLED): pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo 'make: no Python 3.11 or later with venv found; install one, or name it: make demo PYTHON=/path/to/python3' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/.tests-installed: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,lint]'
	@touch $@
