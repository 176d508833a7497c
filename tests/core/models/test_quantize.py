"""Weights of 8 bits say nearly what the whole ones say, and a graph's other parts stay."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession

from core.models.quantize import quantize

Array = NDArray[Any]
rng = np.random.default_rng(11)
_UP = rng.normal(0, 0.1, (64, 192)).astype(np.float32)
_DOWN = rng.normal(0, 0.1, (192, 64)).astype(np.float32)
_WORDS = rng.normal(0, 1, (300, 64)).astype(np.float32)
_WORDS[:, 7] *= 80  # what stands out in each text, as in trained models
IDS = {"ids": np.arange(5, 17)[None]}


def _model(directory: Path, weights: dict[str, Array], between: str = "Relu") -> Path:
    """Save words' vectors, widened, changed ``between`` and narrowed, with its weights apart."""
    nodes = [helper.make_node("Gather", ["words", "ids"], ["found"])]
    if "up" in weights:
        nodes += [
            helper.make_node("MatMul", ["found", "up"], ["wide"]),
            helper.make_node("MatMul", ["found", "beside"], ["beside_wide"]),
            helper.make_node("Add", ["wide", "beside_wide"], ["both"]),
            helper.make_node(between, ["both"], ["changed"]),
            helper.make_node("MatMul", ["changed", "down"], ["told"]),
        ]
    told = "told" if "up" in weights else "found"
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "n"])],
        [helper.make_tensor_value_info(told, TensorProto.FLOAT, [1, "n", 64])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    file = directory / "model.onnx"
    onnx.save_model(model, str(file), save_as_external_data=True, location="model.onnx_data")
    return file


def _answer(file: Path, given: dict[str, Array]) -> Array:
    (found,) = InferenceSession(str(file)).run(None, given)
    return np.asarray(found)


def _of(directory: Path, between: str = "Relu", size: float = 1) -> Path:
    weights = {"words": _WORDS * np.float32(size), "up": _UP, "beside": np.roll(_UP, 3, axis=1)}
    return _model(directory, {**weights, "down": _DOWN}, between)


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    return _of(tmp_path)


def _operators(file: Path) -> Counter[str]:
    model = onnx.load(str(file), load_external_data=False)
    return Counter(node.op_type for node in model.graph.node)


@pytest.mark.parametrize("between", ["Relu", "Elu", "Softsign", "Identity"])
@pytest.mark.parametrize("size", [0.01, 1])
def test_it_says_nearly_the_same_of_what_it_was_not_shown(
    tmp_path: Path, between: str, size: float
) -> None:
    whole, small = _of(tmp_path, between, size), tmp_path / "small.onnx"
    quantize(whole, small, [IDS])
    asked = {"ids": np.arange(100, 130)[None]}
    known, found = _answer(whole, asked), _answer(small, asked)
    assert not np.array_equal(known, found)
    cosines = (known * found).sum(-1) / np.linalg.norm(known, axis=-1)
    cosines /= np.linalg.norm(found, axis=-1)
    assert cosines.min() > 0.998


@pytest.mark.parametrize(("between", "by_blocks"), [("Relu", 0), ("Elu", 0), ("Identity", 1)])
def test_a_matrix_that_narrows_has_blocks_where_its_input_is_of_both_sides(
    tmp_path: Path, between: str, by_blocks: int
) -> None:
    small = tmp_path / "small.onnx"
    quantize(_of(tmp_path, between), small, [IDS])
    operators = _operators(small)
    assert (operators["MatMulNBits"], operators["MatMulIntegerToFloat"]) == (
        by_blocks, 3 - by_blocks,
    )  # fmt: skip


def test_what_stands_out_is_shared_with_the_weights(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"ids": np.arange(100, 130)[None]}
    known = _answer(whole, asked)

    def error(small: Path) -> float:
        quantize(whole, small, [IDS])
        return float(np.abs(_answer(small, asked) - known).mean())

    shared = error(whole.with_name("shared.onnx"))
    monkeypatch.setattr("core.models.quantize._factors", lambda largest, _: np.ones_like(largest))
    assert shared < error(whole.with_name("not.onnx")) / 1.5


def test_products_are_by_bytes_and_tensors_that_are_looked_up_stay_where_they_are(
    whole: Path,
) -> None:
    small = whole.with_name("small.onnx")
    quantize(whole, small, [IDS])
    operators = _operators(small)
    assert (operators["MatMul"], operators["MatMulIntegerToFloat"]) == (0, 3)
    assert operators["QuantizeLinear"] == 2, "two products of one input share it"
    model = onnx.load(str(small), load_external_data=False)
    (words,) = [tensor for tensor in model.graph.initializer if tensor.name == "words"]
    assert words.data_location == TensorProto.EXTERNAL
    assert sorted(each.name for each in whole.parent.iterdir()) == [
        "model.onnx", "model.onnx_data", "small.onnx",
    ]  # fmt: skip
    assert small.stat().st_size < (_UP.nbytes * 2 + _DOWN.nbytes) / 3


def test_a_model_without_matrices_is_refused(tmp_path: Path) -> None:
    file = _model(tmp_path, {"words": _WORDS})
    with pytest.raises(ValueError, match="no matrices"):
        quantize(file, tmp_path / "small.onnx", [IDS])


def test_matrices_beyond_one_file_are_refused(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.models.quantize._MOST", 10_000)
    with pytest.raises(ValueError, match="too large"):
        quantize(whole, whole.with_name("small.onnx"), [IDS])
    assert not whole.with_name("small.onnx").exists()
