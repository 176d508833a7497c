"""A copy of an exported model whose weights have 8 bits, for what is embedded once and not kept.

A question takes about half of the time with it. A weight is a whole number of 8 bits times a scale
of its column, and a token of a layer's input is such numbers times a scale of its own, so that what
is embedded beside a text changes it by rounding only. That alone changes answers, so more is done.
A few places of an input are far larger than the rest: they are divided by a factor which the
weights are multiplied by, as SmoothQuant does (Xiao et al., 2022, arXiv:2211.10438). That does
little for matrices that bring a wide layer back to a narrow one, whose input stands out elsewhere
in each text. But behind GELU or ReLU it is hardly below 0, and nearly all of the 256 numbers are
for what is above; behind others such a matrix has a scale for every few numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

Feed = Mapping[str, NDArray[Any]]  # what a model is given at once, by the names of its inputs
Floats = NDArray[np.float32]

_INTO_WEIGHTS: Final = 0.7  # of what stands out; anything from 0.5 to 0.85 is much the same
_SMALLEST: Final = np.float32(1e-5)  # a place that is always 0 has a factor too
_LARGEST: Final = 127  # of 8 bits with a sign
_MOST: Final = 2_000_000_000  # bytes, of a file in protobuf's format
_BLOCK: Final = 128  # numbers of a column that share a scale
_LAST, _LEAST = "last_axis", "least_scale"
_HARDLY: Final = 0.1  # of the largest: an input that goes no further below 0 is of one side
_BELOW: Final = 32  # of the 256 numbers, for what such an input has below 0
_ABOVE: Final = 255 - _BELOW
_RUNTIMES_OWN: Final = "com.microsoft"  # see onnxruntime's docs/ContribOperators.md
_BY_BYTES: Final = 4  # MatMulNBits' accuracy_level: inputs become bytes too
_OPSET: Final = 18  # since when ReduceMax is told its axes as it is here


class _Bytes(NamedTuple):
    """The constants by which a byte is read: ``(byte - zero) * step`` is 1 at most."""

    step: str
    zero: str


_BOTH_SIDES: Final = _Bytes("both_sides_step", "both_sides_zero")
_ONE_SIDE: Final = _Bytes("one_side_step", "one_side_zero")


@dataclass(frozen=True)
class _Range:
    """What is usual for an input: the largest magnitude of each place, and the lowest of all."""

    largest: Floats
    lowest: float

    @property
    def is_of_one_side(self) -> bool:
        return -self.lowest <= _HARDLY * float(self.largest.max())


def quantize(file: Path, target: Path, samples: Sequence[Feed]) -> None:
    """Write the model of ``file`` with weights of 8 bits to ``target``, in the same directory.

    Large tensors that nothing is multiplied by, as words' vectors, stay in ``file``'s own data, so
    that both have them in memory once. ``samples`` show what is usual for a layer's input. Raises
    ``ValueError`` for a model without matrices, with too large ones, or of older operators.
    """
    import onnx

    model = onnx.load(str(file), load_external_data=False)
    weights = _matrices(model, file.parent)
    products = [node for node in model.graph.node if _is_product(node, weights)]
    if not products:
        raise ValueError("the model multiplies by no matrices of its own")
    if any(each.domain == "" and each.version < _OPSET for each in model.opset_import):
        raise ValueError(f"it was exported with operators older than {_OPSET}")
    if sum(weight.size for weight in weights.values()) > _MOST:
        raise ValueError("its matrices are too large for one file")
    used: dict[str, list[Floats]] = {}
    for node in products:
        used.setdefault(node.input[0], []).append(weights[node.input[1]])
    ranges = _ranges(model, target, list(used), samples)
    factors = {name: _factors(ranges[name].largest, by) for name, by in used.items()}
    graph = _Graph(weights, factors, ranges)
    nodes = [new for node in model.graph.node for new in graph.replaced(node)]
    _put(model, nodes, graph.constants, set(weights))
    onnx.save(model, str(target))


def _matrices(model: ModelProto, directory: Path) -> dict[str, Floats]:
    """Return the weights that something is multiplied by, and that nothing else is done with."""
    import onnx

    uses = Counter(name for node in model.graph.node for name in node.input)
    seconds = Counter(node.input[1] for node in model.graph.node if node.op_type == "MatMul")
    return {
        tensor.name: onnx.numpy_helper.to_array(tensor, str(directory))
        for tensor in model.graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT
        and len(tensor.dims) == 2
        and 0 < seconds[tensor.name] == uses[tensor.name]
    }


def _is_product(node: NodeProto, weights: Mapping[str, Floats]) -> bool:
    return node.op_type == "MatMul" and node.input[1] in weights


def _ranges(
    model: ModelProto, target: Path, names: list[str], samples: Sequence[Feed]
) -> dict[str, _Range]:
    """Return the ranges that the named values have in the samples."""
    import onnx
    from onnxruntime import InferenceSession

    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    file = target.with_suffix(".watched")  # beside the data that it refers to
    try:
        onnx.save(watched, str(file))
        session = InferenceSession(str(file), providers=["CPUExecutionProvider"])
        runs = [session.run(names, dict(sample)) for sample in samples]
    finally:
        file.unlink(missing_ok=True)
    return {name: _range([run[at] for run in runs]) for at, name in enumerate(names)}


def _range(found: Sequence[Floats]) -> _Range:
    largest = [np.abs(each).max(axis=tuple(range(each.ndim - 1))) for each in found]
    return _Range(
        np.max(largest, axis=0, initial=_SMALLEST), min(float(each.min()) for each in found)
    )


def _factors(magnitudes: Floats, weights: Sequence[Floats]) -> Floats:
    """Return what each place of an input is divided by, and its row of the weights multiplied."""
    rows = np.max([np.abs(weight).max(axis=1) for weight in weights], axis=0)
    factors = magnitudes**_INTO_WEIGHTS / np.maximum(rows, _SMALLEST) ** (1 - _INTO_WEIGHTS)
    return np.asarray(factors / np.exp(np.log(factors).mean()), np.float32)


class _Graph:
    """Products by bytes in place of those by floats, and the constants that they need."""

    def __init__(
        self,
        weights: Mapping[str, Floats],
        factors: Mapping[str, Floats],
        ranges: Mapping[str, _Range],
    ) -> None:
        self.constants: dict[str, NDArray[Any]] = {
            _BOTH_SIDES.step: np.array(1 / _LARGEST, np.float32),
            _BOTH_SIDES.zero: np.array(128, np.uint8),
            _ONE_SIDE.step: np.array(1 / _ABOVE, np.float32),
            _ONE_SIDE.zero: np.array(_BELOW, np.uint8),
            _LAST: np.array([-1]),
            _LEAST: np.array(_SMALLEST, np.float32),
        }
        self._weights, self._factors, self._ranges = weights, factors, ranges
        self._told: set[str] = set()  # inputs that are bytes already

    def replaced(self, node: NodeProto) -> Iterator[NodeProto]:
        """Yield what stands for a node, in the order of a run."""
        if not _is_product(node, self._weights):
            yield node
            return
        given, weight = node.input[0], self._weights[node.input[1]]
        rows, columns = weight.shape
        is_of_one_side = self._ranges[given].is_of_one_side
        if rows > columns and not is_of_one_side:
            yield self._by_blocks(node, weight)
            return
        if given not in self._told:
            self._told.add(given)
            yield from (self._to_one_side(given) if is_of_one_side else self._to_both_sides(given))
        if is_of_one_side:
            yield from self._by_columns(node, weight, _ONE_SIDE)
        else:
            yield from self._by_columns(node, weight * self._factors[given][:, None], _BOTH_SIDES)

    def _to_one_side(self, given: str) -> Iterator[NodeProto]:
        """Make bytes of an input that is hardly below 0."""
        most, unit = f"{given}_most", f"{given}_unit"
        # With a smaller scale what is lowest would have no number.
        least = max(-self._ranges[given].lowest * _ABOVE / _BELOW, _SMALLEST)
        least_scale = self._constant(f"{given}_least", np.array(least, np.float32))
        yield _node("ReduceMax", [given, _LAST], most)
        yield _node("Max", [most, least_scale], f"{given}_scale")
        yield _node("Div", [given, f"{given}_scale"], unit)
        yield _node("QuantizeLinear", [unit, *_ONE_SIDE], f"{given}_bytes")

    def _to_both_sides(self, given: str) -> Iterator[NodeProto]:
        """Make bytes of an input, its places divided by their factors."""
        even, size, most, unit = (f"{given}_{part}" for part in ("even", "size", "most", "unit"))
        yield _node(
            "Mul", [given, self._constant(f"{given}_share", 1 / self._factors[given])], even
        )
        yield _node("Abs", [even], size)
        yield _node("ReduceMax", [size, _LAST], most)
        yield _node("Max", [most, _LEAST], f"{given}_scale")
        yield _node("Div", [even, f"{given}_scale"], unit)
        yield _node("QuantizeLinear", [unit, *_BOTH_SIDES], f"{given}_bytes")

    def _by_columns(self, node: NodeProto, weight: Floats, by: _Bytes) -> Iterator[NodeProto]:
        given, name = node.input[0], node.output[0]  # two may share a weight, but not an input
        scales = _scales(weight)
        codes = self._constant(f"{name}_bytes", np.rint(weight / scales).astype(np.int8))
        taken = [f"{given}_bytes", codes, by.step, self._constant(f"{name}_scale", scales), by.zero]
        yield _node("MatMulIntegerToFloat", taken, f"{name}_unit", domain=_RUNTIMES_OWN)
        yield _node("Mul", [f"{name}_unit", f"{given}_scale"], name)

    def _by_blocks(self, node: NodeProto, weight: Floats) -> NodeProto:
        rows, columns = weight.shape
        blocks = np.pad(weight, ((0, -rows % _BLOCK), (0, 0))).T.reshape(columns, -1, _BLOCK)
        scales = _scales(blocks, axis=2)
        codes = np.rint(blocks / scales[..., None]) + 128
        name = node.output[0]
        taken = [
            node.input[0],
            self._constant(f"{name}_bytes", codes.astype(np.uint8)),
            self._constant(f"{name}_scale", scales),
        ]
        return _node(
            "MatMulNBits", taken, name, domain=_RUNTIMES_OWN,
            K=rows, N=columns, bits=8, block_size=_BLOCK, accuracy_level=_BY_BYTES,
        )  # fmt: skip

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        self.constants[name] = value
        return name


def _scales(weights: Floats, axis: int = 0) -> Floats:
    largest = np.maximum(np.abs(weights).max(axis=axis), _SMALLEST)
    return np.asarray(largest / _LARGEST, np.float32)


def _node(operator: str, taken: list[str], made: str, **settings: Any) -> NodeProto:
    import onnx

    return onnx.helper.make_node(operator, taken, [made], name=f"{made}_{operator}", **settings)


def _put(
    model: ModelProto,
    nodes: Sequence[NodeProto],
    constants: Mapping[str, NDArray[Any]],
    replaced: set[str],
) -> None:
    import onnx

    graph = model.graph
    kept = [tensor for tensor in graph.initializer if tensor.name not in replaced]
    used = {name for node in nodes for name in node.input}
    made = [
        onnx.numpy_helper.from_array(value, name)
        for name, value in constants.items()
        if name in used
    ]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*kept, *made])
    if all(each.domain != _RUNTIMES_OWN for each in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid(_RUNTIMES_OWN, 1))
