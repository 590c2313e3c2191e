"""Spot AI-made faces by the neuron coverage of a face-recognition network."""

from .coverage import NeuronCoverageTransformer

__version__ = "0.1.0.dev0"

__all__ = ["NeuronCoverageTransformer"]
