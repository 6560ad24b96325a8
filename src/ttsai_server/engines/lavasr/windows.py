"""How LavaSR's network sees sound at 48 kHz; apart from its graph, which can't be imported without `onnx`."""

LENGTH, HOP, BINS = 2048, 512, 1025
"""Samples of a window; samples from one window to the next; frequency bins of a window's spectrum."""
REACH = 3
"""Frames at either side that a convolution sees."""
