# One entry point, the same by hand and in CI. `make help` lists it.
SHELL := /bin/bash
BUILD := build/release
JOBS ?= $(shell nproc)
TEST_JOBS ?= 2
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup build demo test check fix fuzz bench coverage nightly configure clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 20

setup: ## install the Debian packages that are missing
	@scripts/setup.sh build test

configure:
	@scripts/configure.sh release

build: setup configure ## compile the release build (optimised, hardened, checks on)
	@cmake --build $(BUILD) -j $(JOBS)

demo: ## build the two programs and run the demo; ARGS=--serve leaves the server running
	@scripts/setup.sh build
	@scripts/configure.sh release
	@cmake --build $(BUILD) -j $(JOBS) --target salus salusd
	@scripts/demo.sh $(ARGS)

test: build ## run every test; the last line counts the cases. ARGS="-R base" for some
	@tools/run_tests.py --build $(BUILD) -j $(TEST_JOBS) $(ARGS)

check: setup configure ## formatting, tidy, dependencies, headers: the checks that need no build
	@tools/run_tests.py --build $(BUILD) -L house

fix: ## format the C++ files in place
	@git ls-files -z --cached --others --exclude-standard '*.cc' '*.h' | xargs -0 clang-format-19 -i

fuzz: ## run each fuzz target for FUZZ_SECONDS=60 with libFuzzer
	@scripts/setup.sh build test nightly
	@scripts/fuzz.sh

bench: ## measure the whole system and PostgreSQL beside it; ARGS=quick, ARGS=micro
	@scripts/setup.sh build test bench
	@scripts/configure.sh release
	@scripts/bench.sh $(ARGS)

coverage: setup ## line coverage of the unit tests by module
	@scripts/configure.sh coverage
	@cmake --build build/coverage -j $(JOBS) --target unit_tests fuzz_targets
	@tools/run_tests.py --build build/coverage -L 'unit|fuzz'
	@tools/coverage.py build/coverage

nightly: ## what takes hours: TSan, clang-tidy on everything, libFuzzer
	@scripts/setup.sh build test nightly
	@scripts/nightly.sh

clean: ## delete the build folders
	@rm -rf build
