# Needs Python 3.11 or newer (with venv) and make; everything else goes into .venv and .local.

PYTHON ?= python3
VENV_PYTHON := .venv/bin/python
PYTEST_ARGS ?=
CHAOS_ARGS ?=
LOCK_ARGS ?=

need_python := command -v $(PYTHON) >/dev/null || { \
	echo "Error: $(PYTHON) was not found; install python3 and python3-venv." >&2; exit 1; }
install := $(PYTHON) -m operations.local.install

# Settings as in production, with keys made up for the check.
production := env ENVIRONMENT=production PUBLIC_BASE_URL=https://switchboard.example.com \
	DATABASE_URL=postgresql://app:x@db.example.com/switchboard \
	DATABASE_OWNER_URL=postgresql://owner:x@db.example.com/switchboard \
	REDIS_URL=rediss://:x@cache.example.com:6379/0 \
	EMAIL_URL=smtp+tls://app:x@mail.example.com TRUSTED_PROXIES=10.0.0.0/24 \
	SECRET_KEY=made-up-for-the-check-0123456789-abcdefghijklmnopqrstuvwxyz \
	ENCRYPTION_KEYS=1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
	BACKUP_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

.DEFAULT_GOAL := help
.PHONY: help run test check chaos chaos-short lint format lock bench-ingest bench-reading bench-export bench-live bench-recovery observatory openapi fuzz-api screenshots demo-remove clean-local venv

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

run: ## Install, start everything with demo data, and say how to sign in
	@$(need_python); exec $(install) python -m operations.local run

test: ## Run all tests, also beside a running `make run`
	@$(need_python); exec $(install) python -m pytest $(PYTEST_ARGS)

check: lint test chaos-short ## Run everything a change must pass: lint, tests, a short chaos

chaos: venv ## Kill, freeze and mislead everything under load, and count what was lost (10 minutes)
	@exec $(VENV_PYTHON) -m testing.chaos $(CHAOS_ARGS)

chaos-short: venv ## The same with four faults (a minute or two)
	@exec $(VENV_PYTHON) -m testing.chaos --short $(CHAOS_ARGS)

lint: venv ## Check style, templates, types, production settings and migrations
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m djlint --lint templates
	$(production) $(VENV_PYTHON) -m mypy  # its plugin reads the settings
	$(production) $(VENV_PYTHON) manage.py check --deploy --fail-level WARNING
	$(production) $(VENV_PYTHON) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

format: venv ## Format the sources
	$(VENV_PYTHON) -m ruff check --fix .
	$(VENV_PYTHON) -m ruff format .

openapi: venv ## Write the API's documents anew, after a change of its views
	$(production) DJANGO_SETTINGS_MODULE=config.settings $(VENV_PYTHON) -m config.api.document

fuzz-api: venv ## Attack the API with schemathesis for ten minutes a role; FUZZ_SECONDS=600
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-600} $(install) python -m pytest config/tests/test_api_fuzzed.py -s

lock: ## Write requirements.lock anew; with LOCK_ARGS=--upgrade take newer versions
	@$(need_python); exec $(install) uv pip compile pyproject.toml --group dev --universal \
		--python-version 3.11 --generate-hashes --quiet --output-file requirements.lock \
		--custom-compile-command "make lock" $(LOCK_ARGS)

bench-ingest: venv ## Measure the reception of webhooks
	@exec $(VENV_PYTHON) -m bench.ingest

bench-live: venv ## Measure how soon a delivery is on an open screen
	@exec $(VENV_PYTHON) -m bench.live

bench-export: venv ## Measure how fast a million calls become a file
	@exec $(VENV_PYTHON) -m bench.exports

bench-recovery: venv ## Measure a backup, its proof, and a restore into an empty server
	@exec $(VENV_PYTHON) -m bench.recovery

bench-reading: venv ## Measure pages with 10 thousand and 10 million calls; READING_ARGS="--large 100000"
	@exec $(VENV_PYTHON) -m bench.reading $(READING_ARGS)

observatory: venv ## Have MDN's scanner grade the security headers of twelve pages
	@$(VENV_PYTHON) -m bench.observatory || test $$? -eq 77  # 77: skipped, and it said why

screenshots: venv ## Take pictures of every page of the running demo into docs/screenshots/
	@exec $(VENV_PYTHON) -m bench.screenshots

demo-remove: venv ## Delete the demo organizations from the running product
	@exec $(VENV_PYTHON) manage.py remove_demo

clean-local: venv ## Stop everything and delete .local with the database in it
	@exec $(VENV_PYTHON) -m operations.local clean

venv: # Make .venv as requirements.lock says
	@$(need_python); exec $(install)
