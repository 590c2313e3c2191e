# SPDX-License-Identifier: BSD-3-Clause
"""The check suites of scikit-learn and imbalanced-learn, on every estimator of the package."""

import keras
import pytest
from imblearn.utils.estimator_checks import estimator_checks_generator as imblearn_checks
from networks import small_network
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from skfakespot import (
    DualRidgeClassifier,
    FakeSpotterClassifier,
    NeuronCoverageTransformer,
    PerturbationAugmenter,
    SkipMissingClassifier,
)
from skfakespot.pipeline import AugmentedPipeline
from skfakespot.preprocessing import BlockwiseStandardScaler
from skfakespot.rivals import (
    AttentionPoolingClassifier,
    FeatureMapTransformer,
    KerasImageClassifier,
    PrincipalComponents,
)
from skfakespot.video import VideoClassifier


class VectorNetwork:
    """Makes a network on vectors, of the width that a check asks for."""

    def __call__(self, input_shape):
        return small_network(input_shape)

    def __repr__(self):
        # The names of the tests have to be the same in each process.
        return f"{type(self).__name__}()"


class VectorClassifier(VectorNetwork):
    """Makes a model that gives the log-odds of a fake, for vectors of any width."""

    def __call__(self, input_shape):
        inputs = keras.Input(input_shape)
        # With one weight there are no sums, which Keras would round by the place in the batch.
        return keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="identity")(inputs))


vector_network, vector_classifier = VectorNetwork(), VectorClassifier()

ESTIMATORS = [
    NeuronCoverageTransformer(vector_network),
    NeuronCoverageTransformer([vector_network, vector_network]),
    NeuronCoverageTransformer(vector_network, threshold="per-map"),
    FakeSpotterClassifier(
        hidden_layer_sizes=(16,),
        learning_rate_init=0.05,
        max_iter=30,
        batch_size=16,
        random_state=0,
    ),
    DualRidgeClassifier(),
    BlockwiseStandardScaler(),
    PrincipalComponents(random_state=0),
    AttentionPoolingClassifier(),
    FeatureMapTransformer(vector_network, layer="dense_1"),
    KerasImageClassifier(vector_classifier, from_logits=True),
    PerturbationAugmenter(random_state=0),
    SkipMissingClassifier(LogisticRegression()),
    SkipMissingClassifier(LinearSVC()),
    VideoClassifier(LogisticRegression()),
    VideoClassifier(LinearSVC(), how="topk"),
]
PIPELINE = AugmentedPipeline(
    [("augment", PerturbationAugmenter(random_state=0)), ("classify", LogisticRegression())]
)
SAMPLER = PerturbationAugmenter(random_state=0)

EXPECTED_FAILURES = {
    FakeSpotterClassifier: {
        "check_sample_weight_equivalence_on_dense_data": (
            "Repeating a sample and weighting it fill mini-batches differently; samples of weight "
            "zero are the same as samples left out."
        )
    },
    AugmentedPipeline: {
        "check_dont_overwrite_parameters": "Every Pipeline fits its steps in place.",
        "check_estimators_overwrite_params": "Every Pipeline fits its steps in place.",
        "check_supervised_y_2d": "Samplers of imbalanced-learn take a column of labels silently.",
    },
    KerasImageClassifier: {
        "check_classifiers_classes": "The labels 'one' and 'two' do not say which one is fake.",
    },
    VideoClassifier: {
        "check_classifiers_classes": "The labels 'one' and 'two' do not say which one is fake."
    },
}


def expected_failures(estimator):
    return EXPECTED_FAILURES.get(type(estimator), {})


# scikit-learn's SkipTest is pytest's skip; it skips only the check of the array API.
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


# imbalanced-learn's validation casts infinite labels, with a warning, before they are refused.
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
@parametrize_with_checks([PIPELINE], expected_failed_checks=expected_failures)
def test_checks_of_scikit_learn_on_a_pipeline(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("estimator", "check"),
    list(imblearn_checks(SAMPLER)),
    ids=lambda value: value.func.__name__ if hasattr(value, "func") else str(value),
)
def test_checks_of_imbalanced_learn(estimator, check):
    check(estimator)
