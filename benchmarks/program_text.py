"""What a compiled program does, read from its text: kernels, products and the bytes that they move.

The text is that of `jax.stages.Compiled.as_text()`: XLA's HLO after all its passes.
"""

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping

# Bits of an element.
_BITS = {
    **{"pred": 8, "s4": 4, "u4": 4, "s8": 8, "u8": 8, "s16": 16, "u16": 16, "f16": 16, "bf16": 16},
    **{"s32": 32, "u32": 32, "f32": 32, "s64": 64, "u64": 64, "f64": 64, "c64": 64, "c128": 128},
}
_ARRAY = re.compile(r"(\w+)\[([\d,]*)\](\{[^{}]*\})?")
_NAME = re.compile(r"%([\w.\-]+)")
# These move nothing by themselves.
_FREE = {
    *("parameter", "constant", "get-tuple-element", "tuple", "bitcast", "after-all", "partition-id", "replica-id"),
    *("copy-done", "async-done", "async-update", "while", "conditional", "call", "opt-barrier"),
}


class ProgramTextError(ValueError):
    """A text that is no HLO, or has something that is not known here."""


@dataclasses.dataclass(frozen=True)
class Array:
    """A value's type.

    Attributes:
        dtype: XLA's name, such as "bf16".
        shape: its axes.
        is_near: whether it lies in a memory beside the cores, such as a TPU's VMEM, and not in the device's main one.
    """

    dtype: str
    shape: tuple[int, ...]
    is_near: bool = False

    @property
    def num_bytes(self) -> int:
        """In the device's main memory."""
        return 0 if self.is_near else math.prod(self.shape) * _BITS.get(self.dtype, 0) // 8


@dataclasses.dataclass(frozen=True)
class Instruction:
    """A line of a computation.

    Attributes:
        name: unique in the program.
        arrays: what it returns; several for a tuple.
        opcode: such as "fusion".
        operands: names.
        attributes: the rest of the line.
    """

    name: str
    arrays: tuple[Array, ...]
    opcode: str
    operands: tuple[str, ...]
    attributes: str

    @property
    def called(self) -> tuple[str, ...]:
        """Computations that it runs: a fusion's, or a loop's body."""
        return tuple(_NAME.findall(" ".join(re.findall(r"(?:calls|body|to_apply)=(%[\w.\-]+)", self.attributes))))

    @property
    def trips(self) -> int:
        """Rounds of a loop, where XLA knows them; else 1."""
        match = re.search(r'"known_trip_count":\{"n":"(\d+)"\}', self.attributes)
        return int(match[1]) if match else 1


@dataclasses.dataclass(frozen=True)
class Product:
    """A convolution or a matrix product.

    Attributes:
        name: of its instruction.
        operands: the types of both factors.
        result: the type of the result.
        is_full: whether float32 factors are multiplied in full (XLA's HIGHEST).
        flops: a multiplication and an addition count as two.
    """

    name: str
    operands: tuple[str, str]
    result: str
    is_full: bool
    flops: int


@dataclasses.dataclass(frozen=True)
class Kernel:
    """What is started once on the device, in every round of the loops around it.

    Attributes:
        name: of its instruction.
        opcode: such as "fusion".
        times: how often.
        num_bytes: its operands read once, its results written once; in the main memory, each time.
        products: inside it.
    """

    name: str
    opcode: str
    times: int
    num_bytes: int
    products: tuple[Product, ...]


def kernels(text: str) -> tuple[Kernel, ...]:
    """The kernels of a program.

    Raises:
        ProgramTextError: the text is no HLO.
    """
    computations, entry = parse(text)
    return tuple(_kernels(computations, entry, 1))


def parse(text: str) -> tuple[dict[str, dict[str, Instruction]], str]:
    """The instructions of each computation, by name, and the name of the computation that is started."""
    computations: dict[str, dict[str, Instruction]] = {}
    current: dict[str, Instruction] | None = None
    entry = ""
    for line in text.splitlines():
        head = re.match(r"(ENTRY )?%?([\w.\-]+) \(.*\{\s*$", line)
        if head and " = " not in line.split("(")[0]:
            current = computations[head[2]] = {}
            entry = head[2] if head[1] else entry
        elif current is not None and (start := re.match(r"\s+(?:ROOT )?%?([\w.\-]+) = ", line)):
            instruction = _instruction(start[1], line[start.end() :])
            current[instruction.name] = instruction
    if not entry:
        raise ProgramTextError("there is no ENTRY computation; expected the text of a compiled program")
    return computations, entry


def _instruction(name: str, rest: str) -> Instruction:
    rest = re.sub(r"/\*.*?\*/", "", rest)
    end = _balanced(rest, " ")
    kind, rest = rest[:end], rest[end + 1 :]
    opcode, _, rest = rest.partition("(")
    end = _balanced(rest, ")")
    arrays = tuple(
        Array(dtype, tuple(int(axis) for axis in axes.split(",") if axis), is_near="S(1)" in (layout or ""))
        for dtype, axes, layout in _ARRAY.findall(kind)
    )
    return Instruction(name, arrays, opcode.strip(), tuple(_NAME.findall(rest[:end])), rest[end + 1 :])


def _balanced(text: str, stop: str) -> int:
    """Where `stop` stands outside all brackets."""
    depth = 0
    for place, letter in enumerate(text):
        if not depth and letter == stop:
            return place
        depth += (letter in "([{") - (letter in ")]}")
    return len(text)


def _kernels(computations: Mapping[str, Mapping[str, Instruction]], name: str, times: int) -> Iterator[Kernel]:
    computation = computations[name]
    for each in computation.values():
        if each.opcode in ("while", "call", "conditional"):
            for inner in each.called:
                yield from _kernels(computations, inner, times * each.trips)
        elif each.opcode not in _FREE:
            read = sum(array.num_bytes for operand in set(each.operands) for array in computation[operand].arrays)
            written = sum(array.num_bytes for array in each.arrays)
            products = tuple(_products(computations, computation, each))
            yield Kernel(each.name, each.opcode, times, read + written, products)


def _products(
    computations: Mapping[str, Mapping[str, Instruction]],
    computation: Mapping[str, Instruction],
    each: Instruction,
) -> Iterator[Product]:
    if each.opcode in ("dot", "convolution") or "__cudnn$conv" in each.attributes or "__cublas$" in each.attributes:
        yield _product(computation, each)
    for inner in each.called if each.opcode != "while" else ():
        for other in computations[inner].values():
            yield from _products(computations, computations[inner], other)


def _product(computation: Mapping[str, Instruction], each: Instruction) -> Product:
    first, second = (computation[operand].arrays[0] for operand in each.operands[:2])
    result = each.arrays[0]
    names = re.search(r"operand_precision=\{(\w+),(\w+)\}", each.attributes)
    return Product(
        each.name,
        (first.dtype, second.dtype),
        result.dtype,
        is_full=names is not None and set(names.groups()) == {"highest"},
        flops=_flops(each, first, second, result),
    )


def _flops(each: Instruction, first: Array, second: Array, result: Array) -> int:
    if labels := re.search(r"dim_labels=(\w+)_(\w+)->(\w+)", each.attributes):
        # Of a convolution's two factors and its result one is the kernel: every frame of the outputs meets all of it.
        kernel, outputs = second, result
        if "BackwardFilter" in each.attributes:
            kernel, outputs = result, second
        elif "BackwardInput" in each.attributes:
            outputs = first
        channels = kernel.shape[labels[2].index("o")]
        dilation = re.search(r"lhs_dilate=([\dx]+)", each.attributes)
        empty = math.prod(map(int, dilation[1].split("x"))) if dilation else 1
        return 2 * math.prod(outputs.shape) * math.prod(kernel.shape) // channels // empty
    if axes := re.search(r"lhs_contracting_dims=\{([\d,]*)\}", each.attributes):
        return 2 * math.prod(result.shape) * math.prod(first.shape[int(a)] for a in axes[1].split(",") if a)
    if axes := re.search(r'"lhs_contracting_dimensions":\["(\d+)"\]', each.attributes):
        return 2 * math.prod(result.shape) * first.shape[int(axes[1])]
    raise ProgramTextError(f"{each.name}: a product whose axes are not known: {each.attributes[:200]}")
