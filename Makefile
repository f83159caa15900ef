# The two commands that matter: `make demo` and `make test`. Every target explains itself in `make help`.

PYTHON ?= python3
VENV   ?= .venv
CONFIG ?= configs/demo.yaml
STUDY  ?= configs/reproduce/ml100k.yaml
# What reproduce-all puts on top of STUDY.
ON_TOP ?= configs/reproduce/all.yaml
# Folder of an archive that `python -m benchmarks.gpu pack FOLDER` wrote; without one the package's cache is looked into.
GPU_ASSETS ?=
# Passed to pip, for instance the index that holds PyTorch's CPU builds: make demo PIP_FLAGS="--extra-index-url ..."
PIP_FLAGS ?=

BIN := $(VENV)/bin
PIP_INSTALL = $(BIN)/python -m pip --disable-pip-version-check install --quiet $(PIP_FLAGS) --constraint constraints.txt --editable
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
INSTALLED_DOCS := $(VENV)/.installed-docs

.DEFAULT_GOAL := help
.PHONY: help venv demo test check docs gpu clean
REPRODUCED := $(addprefix reproduce-,table1 table2 table3 table4 table5 table6 fig5 fig6 fig7)
.PHONY: reproduce-all $(REPRODUCED)

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  variables: PYTHON=$(PYTHON)  VENV=$(VENV)  CONFIG=$(CONFIG)  STUDY=$(STUDY)  ON_TOP=$(ON_TOP)  PIP_FLAGS=$(PIP_FLAGS)  GPU_ASSETS=$(GPU_ASSETS)"

venv: $(INSTALLED) ## create the virtual environment and install the package into it

demo: $(INSTALLED) ## real profile codes for 943 real users, and whether they help (minutes on a CPU)
	$(BIN)/userip assets fetch
	$(BIN)/userip fit --config $(CONFIG)

reproduce-all: $(INSTALLED) ## every table and figure of the paper in one run, with one page above them (85 minutes on two cores: docs/all_tables_ml100k.md)
	$(BIN)/userip assets fetch
	$(BIN)/userip reproduce all --config $(STUDY) --config $(ON_TOP)

reproduce-table1: ## the data beside the paper's
reproduce-table2: ## every network of the paper without and with codes, with references and controls
reproduce-table3: ## continuous profiles in place of codes
reproduce-table4: ## codes trained with one network, fed to the others
reproduce-table5: ## words of users and codes, and whether they are better than chance
reproduce-table6: ## seconds per 10,000 instances: without codes, with them, with KAR
reproduce-fig5: ## a growing hobby codebook
reproduce-fig6: ## a growing background codebook
reproduce-fig7: ## attention of words to soft tokens before and after tuning

$(REPRODUCED): $(INSTALLED)
	$(BIN)/userip assets fetch
	$(BIN)/userip reproduce $(@:reproduce-%=%) --config $(STUDY)

test: $(INSTALLED_DEV) ## run the tests, one file per process (no network needed once installed)
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: $(INSTALLED_DEV) ## lint, format, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_imports.py

docs: $(INSTALLED_DOCS) ## build the documentation into build/site; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# By $(PYTHON) as it is: a machine with a GPU often has torch and no network.
gpu: ## every figure that needs a CUDA device, in ten minutes, into gpu-figures/ (docs/benchmarks.md, "On a GPU")
	$(PYTHON) -m benchmarks.gpu $(if $(GPU_ASSETS),--assets $(GPU_ASSETS))

clean: ## remove the virtual environment and tool caches; results (runs/) and the asset cache stay
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamp files are written last, so a step that was interrupted is taken up again.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "Python 3.10 or newer is needed, $(PYTHON) is older or missing: make ... PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade $(PIP_FLAGS) pip
	@touch $@

$(INSTALLED): pyproject.toml constraints.txt | $(VENV)/.created
	@echo "installing userip-lightning into $(VENV): minutes, and gigabytes where PyTorch comes with CUDA"
	@$(PIP_INSTALL) .
	@touch $@

$(INSTALLED_DEV): pyproject.toml constraints.txt | $(VENV)/.created
	@echo "installing userip-lightning and what its tests need into $(VENV)"
	@$(PIP_INSTALL) ".[dev]"
	@touch $(INSTALLED) $@

$(INSTALLED_DOCS): pyproject.toml constraints.txt | $(VENV)/.created
	@echo "installing userip-lightning and what its documentation needs into $(VENV)"
	@$(PIP_INSTALL) ".[docs]"
	@touch $(INSTALLED) $@
