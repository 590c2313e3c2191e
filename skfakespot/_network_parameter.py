"""Cloning and pickling of estimators whose parameter `backbone` may be a Keras model."""

from .backbones import model_from_arrays, model_to_arrays


class NetworkParameterMixin:
    """Clones share the network in `backbone`; pickles hold it as an architecture and arrays."""

    def __sklearn_clone__(self):
        # scikit-learn would deep-copy the user's network, which would then be compiled again.
        shell = object.__new__(type(self))
        vars(shell).update(vars(self), backbone=None)
        cloned = super(NetworkParameterMixin, shell).__sklearn_clone__()
        cloned.backbone = self.backbone
        return cloned

    def __getstate__(self):
        state = super().__getstate__()
        return {**state, "backbone": model_to_arrays(state["backbone"])}

    def __setstate__(self, state):
        super().__setstate__({**state, "backbone": model_from_arrays(state["backbone"])})
