# SPDX-License-Identifier: BSD-3-Clause
"""The layers of a network by name, and which of them are read."""

import json
import re

import keras
import numpy as np
import pytest
from networks import small_network, varied_images

from skfakespot import NeuronCoverageTransformer, count_network_images
from skfakespot.backbones import BackboneError, describe_backbones
from skfakespot.cli import main
from skfakespot.inspection import LayerCard, list_layers

CHOICES = [
    {},
    {"layers": "conv"},
    {"layers": "dense"},
    {"layers": ["relu_1", "dense"]},
    {"layers": re.compile("conv_[12]")},
    {"layers": lambda layer: isinstance(layer, keras.layers.ReLU)},
    {"tap": "activation"},
]


@pytest.mark.parametrize("choice", CHOICES)
def test_the_selected_layers_are_those_that_the_transformer_reads(choice, network):
    cards = list_layers(network, **choice)
    coverage = NeuronCoverageTransformer(network, **choice).fit(varied_images(2))
    selected = [card for card in cards if card.selected]
    assert [card.name for card in selected] == coverage.layer_names_.tolist()
    assert [card.n_neurons for card in selected] == coverage.n_neurons_.tolist()
    names = [layer.name for layer in network.layers if not layer.name.startswith("input")]
    assert [card.name for card in cards] == names


def test_a_card_says_how_a_layer_is_read(network):
    first = list_layers(network)[1]
    assert first == LayerCard("conv_1", "Conv2D", (10, 8, 4), 320, 4, True, "conv_1")
    assert list_layers(network, tap="activation")[1].tap == "relu_1"


def test_layers_of_several_networks_have_prefixes(network):
    backbones = [network, small_network()]
    cards = list_layers(backbones, layers=["small_image_network-2/conv_1", "conv_2"])
    coverage = NeuronCoverageTransformer(
        backbones, layers=["small_image_network-2/conv_1", "conv_2"]
    ).fit(varied_images(2))
    assert [card.name for card in cards if card.selected] == coverage.layer_names_.tolist()
    assert {card.tap for card in cards} == {card.name for card in cards}


def test_files_and_callables_are_listed_and_no_image_passes(network, tmp_path):
    network.save(tmp_path / "network.keras")
    with count_network_images() as count:
        expected = list_layers(network)
        assert list_layers(tmp_path / "network.keras") == expected
        assert list_layers(small_network, image_size=(12, 10)) == expected
    assert count.n_images == 0


def test_a_callable_that_needs_a_shape_says_so():
    def build(input_shape):
        return small_network(input_shape)

    assert list_layers(build, image_size=(20, 18))[1].shape == (18, 16, 4)
    with pytest.raises(BackboneError, match="needs the shape of the samples, input_shape"):
        list_layers(build)
    images = [np.zeros((12, 10, 3), dtype=np.uint8), np.zeros((9, 9, 3), dtype=np.uint8)]
    with pytest.raises(BackboneError, match="needs the shape of the samples, input_shape"):
        NeuronCoverageTransformer(build).fit(images)


def test_no_weights_are_needed(monkeypatch, tmp_path):
    monkeypatch.setenv("SKFAKESPOT_HOME", str(tmp_path))
    cards = list_layers("vggface2-mobilenet")
    (known,) = (card for card in describe_backbones() if card.name == "vggface2-mobilenet")
    selected = [card for card in cards if card.selected]
    assert len(selected) == known.n_layers
    assert sum(card.n_neurons for card in selected) == known.n_neurons
    assert not list(tmp_path.iterdir())


def test_unknown_names_are_refused(network):
    with pytest.raises(BackboneError, match="Did you mean 'dlib-resnet29'"):
        list_layers("dlib-resnet")
    with pytest.raises(ValueError, match="did you mean 'conv_1'"):
        list_layers(network, layers=["conv1"])
    with pytest.raises(ValueError, match="tap"):
        list_layers(network, tap="middle")


def test_the_command_prints_the_layers(network, tmp_path, capsys):
    file = tmp_path / "network.keras"
    network.save(file)
    assert main(["backbones", "--layers", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].split() == ["conv_1", "Conv2D", "10", "x", "8", "x", "4", "320", "4", "yes"]
    assert lines[4].split()[:2] == ["norm_1", "BatchNormalization"]
    assert lines[-1].startswith("4 of 8 layers are read")
    assert main(["backbones", "--layers", str(file), "--json"]) == 0
    cards = json.loads(capsys.readouterr().out)
    assert [card["name"] for card in cards] == [card.name for card in list_layers(network)]
    assert cards[1]["shape"] == [10, 8, 4]
    assert main(["backbones", "--layers", "no-network"]) == 2
    assert "There is no backbone 'no-network'" in capsys.readouterr().err
