"""How both sides of a simulated stream stall; apart from the testbench, which imports cocotb."""

STALLS = {  # name → share of cycles that (source, sink) sit out
    "idle": (0.0, 0.0),
    "source": (0.5, 0.0),
    "sink": (0.0, 0.5),
    "backpressure": (0.3, 0.5),
}
