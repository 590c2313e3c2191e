# SPDX-License-Identifier: BSD-3-Clause
"""Matrix products of an OpenVINO network, of each image alone."""

from ._engine import import_openvino


def multiply_rows_alone(network, n_images):
    """Change matrix products (n_images, n) x (n, m) so that each image is a product of its own.

    The kernel of a product depends on the number of rows and on a row's place among them.
    """
    for node in network.get_ordered_ops():
        if node.get_type_name() == "MatMul" and _has_rows(node, n_images):
            _divide(node, n_images)
    network.validate_nodes_and_infer_types()


def _has_rows(node, n_images):
    rows, weights = (node.input(number).get_partial_shape() for number in (0, 1))
    if node.get_attributes()["transpose_a"] or not (rows.is_static and weights.is_static):
        return False
    return len(weights) == 2 and list(rows.to_shape())[:-1] == [n_images]


def _divide(node, n_images):
    operations = import_openvino().opset13
    rows, weights = node.input_value(0), node.input_value(1)
    axis = operations.constant(0, dtype="int64")
    transposes = node.get_attributes()["transpose_b"]
    products = [
        operations.matmul(row, weights, False, transposes)
        for row in operations.split(rows, axis, n_images).outputs()
    ]
    whole = operations.concat(products, 0)
    names = node.output(0).get_names()
    targets = node.output(0).get_target_inputs()
    for target in targets:
        target.replace_source_output(whole.output(0))
    whole.output(0).set_names(names)
