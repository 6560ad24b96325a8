"""STFT parameters of LavaSR's network at 48 kHz; in a module of their own, since graph.py needs `onnx`."""

LENGTH, HOP, BINS = 2048, 512, 1025
"""Samples per window; samples from one window to the next; frequency bins."""
REACH = 3
"""Frames on either side in a convolution's kernel."""
