# Each target makes .venv first if it is missing or older than requirements.txt.
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= auto# processes that run tests at once
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help repro study studies leak full test test-all fuzz kill-test preview bench growth publish export wheel clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

repro: .venv ## Do everything that params.yaml asks for and that is not done yet
	@python -m stages.check
	@dvc repro

study: .venv ## Reproduce another report: make study NAME=hkust; with DEMO=1 on drawn faces (see docs/studies.md)
	@python -m stages.study "$(NAME)" $(if $(DEMO),demo)

studies: .venv ## List the studies, what was run and what came of it
	@python -m stages.study

leak: .venv ## What a leak is worth, by two studies that ran: make leak A=hkust B=hkust_by_twins (see docs/splits.md)
	@python -m stages.leak "reports/studies/$(A)" "reports/studies/$(B)"

full: .venv ## The study full: 5 regions, 5 networks, 3 seeds on the real data, recipe strong; for a GPU
	@python -m stages.study full

test: .venv ## Lint, check types and the order of imports, run the tests
	ruff check .
	ruff format --check .
	mypy pipeline stages fercrop benchmarks tests
	lint-imports
	python -m pytest -q -n $(JOBS) --dist worksteal -m "not slow"

# What takes long is made once for all tests of a file: no second process must make it too.
test-all: test ## The same, and the tests that take long
	python -m pytest -q -n $(JOBS) --dist loadfile -m slow

fuzz: .venv ## Break what every reader reads, 2,400 times: each is read rightly, or refused in one line
	@PYTHONPATH=tests python -m fuzz.run

kill-test: .venv ## Kill dvc repro at random moments and compare what comes of it with an undisturbed run
	@PYTHONPATH=tests python -m kills $(or $(GRAPH),small) $(or $(KILLS),1) KILL
	@PYTHONPATH=tests python -m kills $(or $(GRAPH),small) $(or $(KILLS),1) TERM

preview: .venv ## Draw every region of params.yaml on a dozen images: reports/preview.png
	@python -m stages.preview

bench: .venv ## Time fercrop beside other ways to do the same
	@for name in $(filter-out benchmarks/growth.py,$(wildcard benchmarks/[a-z]*.py)); do \
	  python -m benchmarks.$$(basename $$name .py); done

growth: .venv ## How time and memory grow from 5,000 to 100,000 images; takes long
	@python -m benchmarks.growth

publish: .venv ## Copy the figures of the comparison, and no image, to docs/results
	@python -m stages.publish docs/results

export: .venv ## Write the trained models as ONNX, to be used without torch: exported/ (see docs/use.md)
	@python -m stages.export_models exported

# What the command imports of the library; exported/ or, without it, pretrained/fercrop/ goes with it.
WHEEL_PARTS := common data evaluation faces regions use
WHEEL_LIMIT := 80M

wheel: .venv ## Build dist/fercrop-*.whl: the command `fercrop` with the exported models, without torch
	@[ -f exported/models.json ] || [ -f pretrained/fercrop/models.json ] || \
	  { echo "error: no models: neither exported/ nor pretrained/fercrop/ has any; run make export first"; exit 1; }
	@rm -rf build/wheel && rm -f dist/fercrop-*.whl && mkdir -p build/wheel/pipeline
	@cp -R pyproject.toml README.md LICENSE fercrop build/wheel && cp pipeline/__init__.py build/wheel/pipeline
	@for part in $(WHEEL_PARTS); do cp -R pipeline/$$part build/wheel/pipeline; done
	@for folder in exported pretrained/fercrop; do \
	  if [ -f $$folder/models.json ]; then cp -R $$folder build/wheel/fercrop/models; break; fi; done
	@python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w dist build/wheel
	@ls -l dist/fercrop-*.whl
	@[ -z "$$(find dist -name 'fercrop-*.whl' -size +$(WHEEL_LIMIT))" ] || { echo "error: larger than $(WHEEL_LIMIT)"; exit 1; }

# What studies came to, reports/studies, stays: the cache does not have it.
clean: ## Remove what the stages wrote, and nothing else; keep .venv, data/raw, reports/studies and the DVC cache
	rm -rf data/demo data/real/sources.json data/expressions data/regions data/variants data/embeddings \
	  data/answers data/lessons data/faces.npz data/twins.npz data/roles.npz data/landmarks.npz \
	  models/landmarks.safetensors models/trust.json models/classifiers .checkpoints .studies \
	  reports/training reports/landmarks reports/expressions reports/regions reports/classifiers reports/inside \
	  reports/preview.png reports/comparison reports/comparison.md reports/index.html \
	  reports/index_without_pictures.html reports/metrics reports/plots
	@for folder in data/real models reports; do [ -L $$folder ] || rmdir $$folder 2>/dev/null || true; done

.venv: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "fercrop needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --requirement requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@[ ! -d pretrained/classifiers ] || $(BIN)/python -m stages.export_models pretrained/fercrop shipped
	@touch .venv
