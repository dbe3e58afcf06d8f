# The two commands to know: `make demo` and `make run`. Each sets up everything it needs, under .cache/.
# Another Python: make PYTHON=/usr/bin/python3.12 demo. Other ports: make WEB_PORT=8001 SANDBOX_PORT=8090 run.
PYTHON = python3
FOUND = $(if $(shell command -v '$(PYTHON)'),,$(error $(PYTHON) is missing: install Python 3.11 or newer (Debian: apt-get install python3)))
VENV = $(FOUND)@'$(PYTHON)' dev/bootstrap.py
TEST_PROCESSES = 3
CHROMIUM = $(shell command -v chromium)

help:
	@echo 'make demo          play three leads on real parts, (40 s; a minute from a bare checkout)'
	@echo 'make run           serve on this machine until Ctrl-C'
	@echo 'make test          run the tests'
	@echo 'make test-browser  run the tests that need Chromium'
	@echo 'make faults        all faults, three seeds of chaos (12 minutes); also faults-ablation, faults-realtime'
	@echo 'make measure       time the confirmation page and the worker (2 minutes)'
	@echo 'make lint          check the code'
	@echo 'make format        format the code'

demo:
	$(VENV) -m dev.demo

run:
	$(VENV) -m dev.run

test:
	$(VENV) -m pytest -n $(TEST_PROCESSES) -m 'not faults_full'

test-browser:
	$(if $(CHROMIUM),,$(error Chromium is missing: install it (Debian: apt-get install chromium), then try again))
	$(VENV) -m pip install --quiet --disable-pip-version-check -r requirements-browser.txt
	$(VENV) -m pytest leads/tests/browser.py

measure:
	$(VENV) -m dev.measure

faults:
	$(VENV) -m pytest faults -n 2

faults-ablation:
	$(VENV) -m faults.ablation

faults-realtime:
	$(VENV) -m faults.realtime

lint:
	$(VENV) -m ruff check .
	$(VENV) -m ruff format --check .

format:
	$(VENV) -m ruff check --fix .
	$(VENV) -m ruff format .

.PHONY: help demo run test test-browser measure faults faults-ablation faults-realtime lint format
