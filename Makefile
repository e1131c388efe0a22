# A thin front of Meson: `make help` lists what there is.
SHELL := /bin/bash
BUILD ?= build
PORT  ?= 8080
DATA  ?= demo-data
FUZZ_SECONDS ?= 60
JOBS  ?= $(shell nproc)

.PHONY: help bootstrap web build demo check test asan fuzz bench lint lint-deep format docs clean

help:
	@echo 'make demo     install what is missing, build, start the demo town; PORT=8080 DATA=demo-data'
	@echo 'make check    install what tests need, build with both compilers, run every test and lint'
	@echo 'make build    optimised, hardened build in build/'
	@echo 'make test     the tests of build-asan/ only, without lints and browser'
	@echo 'make asan     build with address and undefined behaviour sanitizers in build-asan/'
	@echo 'make fuzz     run every fuzz target for FUZZ_SECONDS=60 each'
	@echo 'make bench    build the benchmark programs in build/bench/'
	@echo 'make lint     layers, banned calls, headers, formatting, clang-tidy'
	@echo 'make lint-deep  the same, and clang-tidy follows every path it can: before a release, and for new parsers'
	@echo 'make format   clang-format over all C files'
	@echo 'make docs     generate docs/vocabulary.md'
	@echo 'make clean    remove build folders'

bootstrap:
	@tools/bootstrap build

web: bootstrap
	@tools/build-web

$(BUILD)/build.ninja: | bootstrap
	meson setup $(BUILD) --buildtype=release -Db_ndebug=false -Dtests=false

build: web $(BUILD)/build.ninja
	ninja -C $(BUILD) -j $(JOBS)

demo: build
	@PORT=$(PORT) DATA=$(DATA) BUILD=$(BUILD) tools/demo

asan:
	@tools/bootstrap test
	@test -f build-asan/build.ninja || meson setup build-asan -Db_sanitize=address,undefined -Dwerror=true
	ninja -C build-asan -j $(JOBS)

test: asan
	meson test -C build-asan --print-errorlogs

check:
	@tools/bootstrap test
	@tools/check

fuzz:
	@tools/bootstrap test
	@tools/run-fuzz --seconds $(FUZZ_SECONDS)

bench: build
	@ls $(BUILD)/bench

lint:
	@tools/bootstrap test
	@tools/lint

lint-deep:
	@tools/bootstrap test
	@tools/lint deep

format:
	@tools/lint-format --fix

docs:
	@tools/gen-vocabulary > docs/vocabulary.md
	@tools/gen-families > docs/families.md

clean:
	rm -rf build build-asan build-clang build-fuzz web/dist
