# CONGA. `make build` puts the two commands into bin/, `make test` is what a
# change must pass.

GO    ?= go
# A test that hangs is a failure, and soon.
TESTFLAGS ?= -timeout 10m

.PHONY: build page man package package-test slurm test clients race lint bench scale soak measures mutate attribute demo e2e screenshots clean

build: page
	$(GO) build -trimpath -ldflags "$$(packaging/version.sh ldflags)" -o bin/ ./cmd/congad ./cmd/conga

# The page that congad serves to browsers, with Node; without it a short one.
page:
	@GO="$(GO)" web/build.sh

man: build
	bin/conga man bin/man1
	bin/congad man bin/man8

# A .deb and an .rpm, in bin/packages, for the machine that builds them.
package: page
	GO="$(GO)" packaging/package.sh

# Installs, upgrades and purges the .deb in a Debian made for it; needs root, git
# and some minutes.
package-test:
	GO="$(GO)" packaging/test.sh

# Jobs of Debian's Slurm that ask for a path; needs root and five minutes.
slurm:
	GO="$(GO)" testdata/slurm/slurm.sh

# The end-to-end tests run where they can: e2e.sh says why not, with code 2.
# Where CI is set they must.
test: lint
	@if [ "$$(id -u)" = 0 ]; then testdata/mininet/install.sh || { [ $$? = 2 ] && [ -z "$$CI" ]; }; fi
	@if [ "$$(id -u)" = 0 ] && command -v node >/dev/null; then web/chromium.sh || echo "no Chromium: the page is not driven"; fi
	$(GO) test $(TESTFLAGS) ./...
	@httpapi/openapi/generators/check.sh || { [ $$? = 2 ] && [ -z "$$CI" ]; }
	@if [ "$$(id -u)" = 0 ] && [ -x testdata/mininet/e2e.sh ]; then \
		timeout -k 30 30m testdata/mininet/e2e.sh || { [ $$? = 2 ] && [ -z "$$CI" ]; }; \
	else echo "end-to-end tests skipped: they need root"; fi

# Three generators make clients of /openapi.json, which are tried on the emulated
# network; two linters read it. It needs npm.
clients:
	httpapi/openapi/generators/check.sh

# Tests that only start the commands, which are built without the detector, are
# left out: it would see their own code alone.
STARTED := conga/cmd/internal/acceptance conga/cmd/internal/browser conga/cmd/internal/monitoring conga/cmd/internal/trespass

race:
	$(GO) test -race $(TESTFLAGS) $(filter-out $(STARTED),$(shell $(GO) list ./...))

lint:
	@unformatted=$$(gofmt -l $$(find . -name '.?*' -prune -o -name node_modules -prune -o -name '*.go' -print)); \
	if [ -n "$$unformatted" ]; then echo "not formatted; run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# One line a figure: name, value, unit, bound, and whether it holds. OLD=commit
# runs what that commit has, too, in turn with it, and prints the ratios.
bench:
ifdef OLD
	$(GO) run ./cmd/internal/bench -old $(OLD) $(BENCHFLAGS)
else
	$(GO) test -run '^$$' -bench . -benchmem $(BENCHFLAGS) ./... | $(GO) run ./cmd/internal/bench
endif

# Figures of large networks, in the same form. OLD=commit measures that commit's
# daemon too and prints the ratios; see cmd/internal/scale.
scale:
	$(GO) run ./cmd/internal/scale $(if $(OLD),-old $(OLD)) $(SCALEFLAGS)

# What takes long: attacks by peers at full load, chaos with the race detector, a
# switch that says anything, and bytes that no switch would send.
SOAK ?= 10m
soak:
	$(GO) run ./cmd/internal/scale -run hostile $(SCALEFLAGS)
	$(GO) test -race -timeout 0 -run 'TestChaos|TestMaliciousSwitch' ./controller -chaos $(SOAK) -malicious $(SOAK)
	$(GO) test -run '^$$' -fuzz FuzzPeer -fuzztime $(SOAK) ./openflow/channel

# The form of the code by room against its bounds; MEASURESFLAGS=-cover runs the
# tests and adds their coverage, -table prints Markdown, -imports which rooms
# import which. OLD=commit prints lines, or imports, of that commit beside today's.
measures:
	@$(GO) run ./cmd/internal/measures $(if $(OLD),-old $(OLD)) $(MEASURESFLAGS)

# How many small mistakes the tests would find; see cmd/internal/mutate. All takes
# an hour and more: MUTATEFLAGS='-n 200' samples, ROOMS=controller/path is one.
mutate:
	@$(GO) run ./cmd/internal/mutate -least 85 $(MUTATEFLAGS) $(ROOMS)

# Shows that the tests notice an attribute of an allocation that was forgotten
# somewhere; takes some minutes.
attribute:
	$(GO) run ./cmd/internal/attribute

# Both need root and Open vSwitch with Mininet, which the scripts install.
demo: build
	testdata/mininet/demo.sh

e2e: build
	testdata/mininet/e2e.sh

# The pictures in the README, anew, from congad demo; needs Node and Chromium.
screenshots: build
	web/screenshots.sh

clean:
	rm -rf bin coverage.out web/node_modules web/dist/assets web/dist/index.html web/src/openapi.d.ts
	find . -name '*.test' -o -name '*.prof' | xargs -r rm -f
