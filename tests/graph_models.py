# SPDX-License-Identifier: BSD-3-Clause
"""Graph models of TensorFlow.js: files like those of FaceRes, and their outputs by NumPy."""

import copy
import json
from base64 import b64decode, b64encode

import numpy as np

BLOCKS = [(1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512)]
BLOCKS += [(1, 512), (1, 512), (1, 512), (1, 512), (1, 512), (2, 1024), (1, 1024)]
TYPES = {"float16": "<f2", "float32": "<f4", "int32": "<i4"}


def write_graph_model(path, graph, tensors):
    """Write the JSON file and the binary file beside it."""
    path.write_text(json.dumps(graph))
    path.with_suffix(".bin").write_bytes(b"".join(tensor.tobytes() for tensor in tensors))
    return path


class RandomFaceRes:
    """The graph of FaceRes, and its tensors with random numbers, float16."""

    def __init__(self, seed=0):
        self._random = np.random.default_rng(seed)
        self._nodes, self._manifest, self.tensors = [], [], []
        x = self._convolve(self._node("input_1", "Placeholder"), "conv1", 2, (3, 3, 3, 32))
        n_maps = 32
        for number, (stride, n_filters) in enumerate(BLOCKS, start=1):
            x = self._convolve(x, f"conv_dw_{number}", stride, (3, 3, n_maps, 1))
            x = self._convolve(x, f"conv_pw_{number}", 1, (1, 1, n_maps, n_filters))
            n_maps = n_filters
        axes = self._constant("global_pooling/Mean/reduction_indices", [1, 2], "int32")
        x = self._node("global_pooling/Mean", "Mean", x, axes)
        x = self._dense(x, "feats/Relu", 1024, 256, b"Relu")
        gender = self._dense(x, "gender_pred/BiasAdd", 256, 1)
        age = self._dense(x, "age_pred/BiasAdd", 256, 100)
        self._node("gender_pred/Sigmoid", "Sigmoid", gender)
        self._node("age_pred/Softmax", "Softmax", age)

    @property
    def graph(self):
        group = {"paths": ["faceres.bin"], "weights": self._manifest}
        topology = {"node": self._nodes, "library": {}, "versions": {}}
        graph = {"format": "graph-model", "modelTopology": topology, "weightsManifest": [group]}
        return copy.deepcopy(graph)

    def _constant(self, name, value, dtype="float16"):
        self.tensors.append(np.asarray(value, dtype=TYPES[dtype]))
        entry = {"name": name, "shape": list(np.shape(value)), "dtype": dtype}
        if dtype == "float16":
            quantization = {"dtype": "float16", "original_dtype": "float32"}
            entry |= {"dtype": "float32", "quantization": quantization}
        self._manifest.append(entry)
        return self._node(name, "Const")

    def _node(self, name, operation, *inputs, **attributes):
        node = {"name": name, "op": operation, "input": inputs, "attr": attributes}
        self._nodes.append(node)
        return name

    def _convolve(self, x, name, stride, shape):
        is_depthwise = shape[3] == 1
        norm, relu, n_maps = f"{name}_bn/batchnorm_1", f"{name}_relu", shape[2 + (not is_depthwise)]
        deviation = (2 / np.prod(shape[: 2 if is_depthwise else 3])) ** 0.5
        kernel = self._random.normal(0, deviation, shape)
        strides = {"list": {"i": ["1", str(stride), str(stride), "1"]}}
        attributes = {"strides": strides, "padding": _text(b"SAME")}
        if is_depthwise:
            kernel = self._constant(f"{name}/depthwise_kernel", kernel)
            factors = self._constant(f"{norm}/mul", self._random.normal(1, 0.5, n_maps))
            output = f"{name}/depthwise"
            x = self._node(output, "DepthwiseConv2dNative", x, kernel, **attributes)
            x = self._node(f"{norm}/mul_1", "Mul", x, factors)
        else:
            kernel = self._constant(f"{name}/convolution/merged_input", kernel)
            x = self._node(f"{norm}/mul_1", "Conv2D", x, kernel, **attributes)
        offset = self._constant(f"{norm}/sub", self._random.normal(0, 1, n_maps))
        high, low = self._constant(f"{relu}/Cast", 6.0), self._constant(f"{relu}/Const_1", 0.0)
        x = self._node(f"{norm}/add_1", "Add", x, offset)
        x = self._node(f"{relu}/Relu", "Relu", x)
        x = self._node(f"{relu}/clip_by_value/Minimum", "Minimum", x, high)
        return self._node(f"{relu}/clip_by_value", "Maximum", x, low)

    def _dense(self, x, output, n_inputs, n_outputs, *fused):
        name = output.partition("/")[0]
        kernel = self._random.normal(0, n_inputs**-0.5, (n_inputs, n_outputs))
        kernel = self._constant(f"{name}/kernel", kernel)
        bias = self._constant(f"{name}/bias", self._random.normal(0, 1, n_outputs))
        fused = {"list": {"s": [_text(operation)["s"] for operation in (b"BiasAdd", *fused)]}}
        return self._node(output, "_FusedMatMul", x, kernel, bias, fused_ops=fused)


def _text(value):
    return {"s": b64encode(value).decode()}


def run_graph_model(path, batch):
    """Compute the output of every node of the graph, in float64."""
    graph = json.loads(path.read_bytes())
    outputs, data = {"input_1": batch.astype(np.float64)}, path.with_suffix(".bin").read_bytes()
    start = 0
    for entry in graph["weightsManifest"][0]["weights"]:
        dtype = TYPES[entry.get("quantization", entry)["dtype"]]
        tensor = np.frombuffer(data, dtype, int(np.prod(entry["shape"])), start)
        start += tensor.nbytes
        outputs[entry["name"]] = tensor.astype(np.float64).reshape(entry["shape"])
    for node in graph["modelTopology"]["node"]:
        if node["op"] not in ("Const", "Placeholder"):
            inputs = [outputs[name] for name in node["input"]]
            outputs[node["name"]] = OPERATIONS[node["op"]](node["attr"], *inputs)
    return outputs


def _convolve(attributes, x, kernel):
    stride = int(attributes["strides"]["list"]["i"][1])
    size, is_depthwise = len(kernel), kernel.shape[3] == 1
    lengths = [-(-n // stride) for n in x.shape[1:3]]
    padding = [(n - 1) * stride + size - m for n, m in zip(lengths, x.shape[1:3], strict=True)]
    padding = [(max(n, 0) // 2, max(n, 0) - max(n, 0) // 2) for n in padding]
    x = np.pad(x, [(0, 0), *padding, (0, 0)])
    total = 0.0
    for row, column in np.ndindex(size, size):
        height, width = (stride * (n - 1) + 1 for n in lengths)
        shifted = x[:, row : row + height : stride, column : column + width : stride]
        weights = kernel[row, column]
        total = total + (shifted * weights[:, 0] if is_depthwise else shifted @ weights)
    return total


def _multiply_matrices(attributes, x, kernel, bias):
    is_rectified = "Relu" in [b64decode(s).decode() for s in attributes["fused_ops"]["list"]["s"]]
    return np.maximum(x @ kernel + bias, 0 if is_rectified else -np.inf)


def _softmax(attributes, x):
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


OPERATIONS = {
    "Conv2D": _convolve,
    "DepthwiseConv2dNative": _convolve,
    "Add": lambda _, x, y: x + y,
    "Mul": lambda _, x, y: x * y,
    "Relu": lambda _, x: np.maximum(x, 0),
    "Minimum": lambda _, x, y: np.minimum(x, y),
    "Maximum": lambda _, x, y: np.maximum(x, y),
    "Mean": lambda _, x, axes: x.mean(axis=tuple(axes.astype(int))),
    "_FusedMatMul": _multiply_matrices,
    "Sigmoid": lambda _, x: 1 / (1 + np.exp(-x)),
    "Softmax": _softmax,
}
