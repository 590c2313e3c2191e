"""Spot AI-made faces by the neuron coverage of a face-recognition network."""

__version__ = "0.1.0.dev0"
