# The front door. Each target does all it needs, the Debian packages included;
# the work itself is in CMakeLists.txt and CMakePresets.json.
.DEFAULT_GOAL := help
SHELL := /bin/bash

JOBS ?= $(shell nproc)
ROOT ?= .
# The survey runs many programs of a millisecond each: more of them than there
# are processors hide the time in which a result is committed.
WORKERS ?= $(shell expr 4 \* $$(nproc))
ARGS ?=
PREFIX ?= /usr/local

export CMAKE_BUILD_PARALLEL_LEVEL ?= $(JOBS)

RELEASE := build/release

.PHONY: help deps build run test test-large bench coverage lint format install clean

help: ## Lists these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' '$(firstword $(MAKEFILE_LIST))'

deps: ## Installs the Debian packages that are missing (packages.txt)
	@.ci/deps build

build: deps ## Builds the optimized programs into build/release/bin
	cmake --preset release
	cmake --build --preset release

run: deps ## Runs the survey pipeline on ROOT=. [WORKERS=n] [ARGS="..."]
	cmake --preset release
	cmake --build --preset release --target bin/quire
	'$(RELEASE)/bin/quire' run app/examples/survey.json --set 'root=$(ROOT)' --workers '$(WORKERS)' $(ARGS)

test: deps ## Builds with sanitizers and runs all tests but the large ones
	cmake --preset dev
	cmake --build --preset dev
	ctest --preset dev

test-large: deps ## Runs the large tests: minutes to hours, much disk
	cmake --preset dev
	cmake --build --preset dev
	ctest --preset large

bench: build ## Builds optimized and runs benchmarks/run.sh [ARGS="..."]
	benchmarks/run.sh $(ARGS)

coverage: deps ## Runs the tests and says which lines they reached
	cmake --preset coverage
	cmake --build --preset coverage
	find build/coverage -name '*.gcda' -delete
	ctest --preset coverage
	tests/coverage.py build/coverage

lint: deps ## Checks style and layers, then runs clang-tidy
	@.ci/deps lint
	cmake --preset lint
	cmake --build --preset lint
	ctest --preset lint

format: ## Formats all C++ files with clang-format
	@.ci/deps lint
	find messages storage actors app tests benchmarks \( -name '*.hpp' -o -name '*.cpp' \) -print0 \
	  | xargs -0 clang-format -i

install: build ## Installs programs, libraries and headers into PREFIX=/usr/local [DESTDIR=...]
	DESTDIR='$(DESTDIR)' cmake --install '$(RELEASE)' --prefix '$(PREFIX)'

clean: ## Removes everything that was built
	rm -rf build
