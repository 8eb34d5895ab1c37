# Everything a person or a machine does with this repository, one word each. `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Most of a test is waiting for a server or a process: two for each of two processors.
TEST_WIDTH ?= 4
# Where servers live: in memory, where there is room.
TANDEM_TEST_ROOT ?= $(shell scripts/test-root.sh)
# Further options for `swift test`, such as --filter FingerprintTests.
TEST_ARGS ?=

formatted := $(wildcard Sources Tests Benchmarks Package.swift)
soaks := $(basename $(notdir $(wildcard Tests/Soak/*.sh)))
benches := $(basename $(notdir $(wildcard Benchmarks/*.sh)))

.PHONY: help
help: ## list the targets
	@echo 'make TARGET, one of:'
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(firstword $(MAKEFILE_LIST)) | while IFS=$$'\t' read -r target what; do \
	    printf '  %-12s %s\n' "$$target" "$$what"; done

.PHONY: toolchain
toolchain:
	@command -v swift >/dev/null || { \
	    echo 'No Swift toolchain: install Swift 6.3 and put its usr/bin into PATH.' >&2; exit 1; }

.PHONY: deps
deps: toolchain ## install the Debian packages that build and tests need, if any is missing
	@scripts/install-packages.sh

.PHONY: build
build: toolchain ## build for debugging, with the tests
	swift build --build-tests

.PHONY: release
release: toolchain ## build the binary for use, with the Swift runtime linked in
	swift build -c release --static-swift-stdlib --product tandem

.PHONY: test
test: deps build lint ## everything continuous integration checks, from a bare machine on
	TANDEM_TEST_ROOT='$(TANDEM_TEST_ROOT)' SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=$(TEST_WIDTH) \
	    swift test --skip-build $(TEST_ARGS)

.PHONY: test-times
test-times: ## run all tests, and list those that took longest once it was their turn
	rm -f .build/test-times
	TANDEM_TEST_TIMES="$$PWD/.build/test-times" $(MAKE) test
	@echo "all: $$(awk '{ s += $$1 } END { printf "%d s, %d at a time", s, $(TEST_WIDTH) }' .build/test-times)"
	@sort -rn .build/test-times | awk 'NR <= 40'

.PHONY: test-matrix
test-matrix: deps build ## run the tests of rows, values, shapes and versions between other PostgreSQL versions: PAIRS="13:18 15:18", all when not given
	@scripts/test-matrix.sh $(PAIRS)

.PHONY: lint
lint: toolchain ## check the format of the sources
	swift format lint --strict --parallel --recursive $(formatted)

.PHONY: format
format: toolchain ## format the sources
	swift format --in-place --parallel --recursive $(formatted)

.PHONY: documents
documents: toolchain build ## write docs/checks.md, metrics.md afresh from checks and metrics themselves
	"$$(swift build --show-bin-path)/tandem" checks > docs/checks.md
	"$$(swift build --show-bin-path)/tandem" metrics > docs/metrics.md

.PHONY: demo
demo: deps release ## show a migration on two throwaway servers: tandem demo, DEMO_ARGS="--seconds 5s"
	@.build/release/tandem demo $(DEMO_ARGS)

.PHONY: pictures
pictures: deps release ## draw the demo's screens below docs/pictures, from a run in tmux
	@scripts/demo-pictures.sh

# Where an installation goes; DESTDIR before all of it, for packages.
PREFIX ?= /usr/local
DESTDIR ?=
binary = $$(swift build -c release --static-swift-stdlib --show-bin-path)/tandem

.PHONY: install
install: release ## install binary, manual pages, completions and the systemd unit below PREFIX (/usr/local)
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' scripts/install.sh "$(binary)"

.PHONY: uninstall
uninstall: ## remove what `make install` has put below PREFIX
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' scripts/install.sh --remove

.PHONY: deb
deb: deps release ## build a Debian package of this release into .build/deb
	@scripts/deb.sh "$(binary)"

# $(call script,FOLDER,NAMES): runs FOLDER/$(NAME).sh, or says which names there are.
define script
	@if [ ! -f '$(1)/$(NAME).sh' ]; then \
	    echo 'make $@ NAME=…, one of: $(or $(2),(none yet))' >&2; exit 2; fi
	@exec bash '$(1)/$(NAME).sh' $(SCALE)
endef

.PHONY: soak
soak: deps ## run one long test: NAME=…
	$(call script,Tests/Soak,$(soaks))

.PHONY: fuzz
fuzz: toolchain ## let libFuzzer damage what comes from servers or spill files: NAME=decoder or spill, SECONDS=60
	@case '$(NAME)' in decoder|spill) ;; *) echo 'make fuzz NAME=…, one of: decoder spill' >&2; exit 2;; esac
	@scripts/fuzz.sh '$(NAME)' '$(or $(SECONDS),60)'

# The rooms with threads or raw memory, and a real server for the connections.
sanitized := (Bytes|Threading|Telemetry|HTTP|Announcement|PGOutput|Spill|Assembly|Batching|Apply|StreamUnit)Tests

.PHONY: sanitize
sanitize: deps ## run the tests of rooms with threads or raw memory under ThreadSanitizer and AddressSanitizer
	TSAN_OPTIONS='halt_on_error=1' \
	    swift test --sanitize=thread --scratch-path .build-thread --filter '$(sanitized)'
	ASAN_OPTIONS='detect_leaks=0' swift test --sanitize=address --scratch-path .build-address --filter '$(sanitized)'

.PHONY: bench
bench: deps ## run one benchmark: NAME=… SCALE=…
	$(call script,Benchmarks,$(benches))

.PHONY: clean
clean: ## remove what was built
	rm -rf .build .build-*
