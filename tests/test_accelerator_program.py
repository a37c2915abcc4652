"""What accelerators are given, where there is none: types of factors, and what is read from a program's text."""

import pathlib
import re

import jax
import numpy as np
import pytest
from flax import nnx

from benchmarks import program_text, rooflines
from w2v_jax.encoder import EncoderConfig, FeatureEncoder

CONFIG = EncoderConfig(channels=(8, 16, 16, 16), kernel_sizes=(10, 3, 3, 2), strides=(5, 2, 2, 2))
# A convolution of bfloat16, its mean, and three rounds of a product in full float32; compiled for an H100.
TEXT = (pathlib.Path(__file__).parent / "compiled_program.txt").read_text(encoding="utf-8")


def products(precision: str, platform: str) -> list[tuple[str, str, str]]:
    """Factors and result, of the encoder as a platform is given it; less those of the first norm."""
    encoder = nnx.eval_shape(lambda: FeatureEncoder(CONFIG, precision=precision, rngs=nnx.Rngs(0)))  # no weights
    traced = jax.jit(lambda encoder, x: encoder(x)).trace(encoder, jax.ShapeDtypeStruct((2, 800), np.float32))
    text = traced.lower(lowering_platforms=(platform,)).as_text()
    triples = []
    for line in text.splitlines():
        if "stablehlo.convolution" in line or "stablehlo.dot_general" in line:
            *factors, result = (re.split("x(?=[a-z])", each)[-1] for each in re.findall(r"tensor<([^>]+)>", line))
            shapes = re.findall(r"tensor<([^>]+)>", line)
            if not any(axis in shape.split("x") for shape in shapes for axis in ("10", "8")) or "convolution" in line:
                triples.append((*factors, result))
    return triples


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
@pytest.mark.parametrize(("precision", "dtype"), [("float16", "f16"), ("bfloat16", "bf16")])
def test_half_precisions_multiply_and_return_halves(precision, dtype, platform):
    assert products(precision, platform) == [(dtype, dtype, dtype)] * 3


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
def test_other_precisions_multiply_float32(platform):
    for precision in ("float32", "tensorfloat32"):
        assert set(products(precision, platform)) == {("f32", "f32", "f32")}


def test_kernels_of_a_program():
    kernels = {each.name: each for each in program_text.kernels(TEXT)}
    convolution = kernels["cudnn-conv.1"]
    (product,) = convolution.products
    assert (product.operands, product.result, product.is_full) == (("bf16", "bf16"), "bf16", False)
    assert product.flops == 2 * (4 * 50 * 64) * (3 * 64)
    assert convolution.num_bytes == 2 * (4 * 101 * 64 + 3 * 64 * 64 + 4 * 50 * 64)

    inside = kernels["gemm_fusion_dot_general.0"]
    assert inside.times == 3  # the loop's
    (product,) = inside.products
    assert (product.operands, product.is_full, product.flops) == (("f32", "f32"), True, 2 * 4 * 64 * 64)
    assert not {each.opcode for each in kernels.values()} & {"parameter", "constant", "bitcast", "tuple", "while"}


def test_bound_of_a_program():
    target = rooflines.Target("cuda", {}, 1e3, {"full": 1e6, "bf16": 1e12}, "round numbers")
    kernels = program_text.kernels(TEXT)
    summary = rooflines.summary(kernels, target, per=1)
    moved = sum(each.times * each.num_bytes for each in kernels)
    assert summary["bytes"] == moved
    assert summary["bound_seconds"] == pytest.approx(moved / 1e3)  # bytes take longer, here
    assert summary["factors"] == {"bf16": 1, "float32 in full": 1}
    fast = rooflines.Target("cuda", {}, 1e30, {"full": 1e6, "bf16": 1e30}, "round numbers")
    assert rooflines.summary(kernels, fast, per=2)["bound_seconds"] == pytest.approx(3 * 32_768 / 1e6 / 2)


def test_a_text_that_is_no_program():
    with pytest.raises(program_text.ProgramTextError, match="no ENTRY"):
        program_text.kernels("func.func public @main()")
