"""Convolution over time, in the precision that is asked for.

`"float32"` leaves the sums to XLA, whose CPU backend adds up to 320 products one after another: the error of the
features is then 1.5 to 1.8 times PyTorch's. `"exact"` takes the sum over input channels in groups, whose partial
results are added up. Its tiles keep a partial result in the cache; even so the whole encoder takes 1.6 times as long.

An accelerator takes float32 convolutions as matrix products of pairs of frames, which are faster there. On a CPU
XLA's own convolution is as fast, within 8%.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import export, lax

from w2v_jax.precisions import PRECISIONS as PRECISIONS
from w2v_jax.precisions import Precision as Precision
from w2v_jax.precisions import check_precision as check_precision

# Bits of exponent and mantissa of each factor in a cheaper precision; sums are float32 in all of them.
_BITS = {"tensorfloat32": (8, 10), "float16": (5, 10), "bfloat16": (8, 7)}
# The cheaper ones that also keep results and activations in their type.
_HALVES: dict[str, jnp.dtype] = {"float16": jnp.dtype(jnp.float16), "bfloat16": jnp.dtype(jnp.bfloat16)}

# Input channels whose products are summed by one convolution, and output frames that it makes. Measured over the
# encoder: 16 channels bring the error of the features to 0.8 to 0.95 of PyTorch's own (32: to 1.0 to 1.2), and one
# second of sound to 27 ms from the 17 ms of whole convolutions, on two idle cores.
_GROUP_CHANNELS = 16
_BLOCK_CHANNELS = 4 * _GROUP_CHANNELS
_TILE_FRAMES = 800


@functools.partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def convolve(x: jax.Array, kernel: jax.Array, stride: int, precision: Precision = "float32") -> jax.Array:
    """Strided convolution without padding (a cross-correlation, as everywhere in deep learning).

    Args:
        x: (batch, frames_in, in_channels).
        kernel: (kernel_size, in_channels, out_channels).
        stride: in input frames.
        precision: `"float32"`: products in full float32, summed as the device likes. `"exact"`: the same products in
            short sums, with an error no larger than PyTorch's own. `"tensorfloat32"`, `"float16"` and `"bfloat16"`: the
            factors of each product are rounded first (on a CPU, which has no such products, in software: the same
            error, without the speed), and the halves' results as well. Products of a single input channel, a
            waveform's, are float32 in all of them: they cost nothing.

    Returns:
        (batch, frames_out, out_channels), with `frames_out = (frames_in - kernel_size) // stride + 1`; of `kernel`'s
        dtype, or of the half type that `precision` names.

    Raises:
        ValueError: an unknown precision.
    """
    check_precision(precision)
    return _convolve_for_platform(x, kernel, stride, precision)


@convolve.defjvp
def _convolve_jvp(
    stride: int,
    precision: Precision,
    primals: tuple[jax.Array, jax.Array],
    tangents: tuple[jax.Array, jax.Array],
) -> tuple[jax.Array, jax.Array]:
    (x, kernel), (x_dot, kernel_dot) = primals, tangents
    # The derivative in one convolution each: a gradient needs no last digit, and tiles would slow its transpose.
    derivative = functools.partial(_convolve, stride=stride, precision=precision)
    return convolve(x, kernel, stride, precision), derivative(x_dot, kernel) + derivative(x, kernel_dot)


def is_rounded(precision: Precision) -> bool:
    """Whether the factors of products have fewer digits than float32."""
    return precision in _BITS


def as_stored(activations: jax.Array, precision: Precision) -> jax.Array:
    """Activations in the type in which the next convolution takes them: rounded for the halves, else as they are."""
    dtype = _HALVES.get(precision)
    # Rounded first: XLA may leave out a conversion there and back.
    return activations if dtype is None else lax.reduce_precision(activations, *_BITS[precision]).astype(dtype)


# Compiled as a whole, so that a call outside `jax.jit` does not compile its loops anew each time.
@functools.partial(jax.jit, static_argnums=(2, 3))
def _convolve_for_platform(x: jax.Array, kernel: jax.Array, stride: int, precision: Precision) -> jax.Array:
    whole = functools.partial(_convolve, stride=stride, precision=precision)
    if 0 in x.shape:
        return whole(x, kernel)
    # Where `jax.export` leaves a size open, nothing is cut by it.
    is_open = any(map(export.is_symbolic_dim, x.shape))
    if precision == "exact" and kernel.shape[1] > _GROUP_CHANNELS:
        return _convolve_in_groups(x, kernel, stride) if is_open else _convolve_in_tiles(x, kernel, stride)
    if kernel.shape[1] == 1:
        return lax.platform_dependent(x, kernel, cpu=whole, default=functools.partial(_multiply_and_add, stride=stride))
    if is_rounded(precision):
        rounded = functools.partial(_convolve_rounded, stride=stride, precision=precision)
        return lax.platform_dependent(x, kernel, cpu=rounded, default=whole)
    if precision == "float32" and stride == 2 and len(kernel) in (2, 3) and not is_open:
        return lax.platform_dependent(x, kernel, cpu=whole, default=_convolve_in_pairs)
    return whole(x, kernel)


def _convolve(x: jax.Array, kernel: jax.Array, stride: int, precision: Precision = "float32") -> jax.Array:
    """One convolution by XLA."""
    if kernel.shape[1] > 1 and precision in _HALVES:
        # With results of the same type: asked for float32 ones, XLA would widen the factors first.
        x, kernel = x.astype(_HALVES[precision]), kernel.astype(_HALVES[precision])
    is_tensorfloat32 = kernel.shape[1] > 1 and precision == "tensorfloat32"
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(stride,),
        padding="VALID",
        dimension_numbers=("NWC", "WIO", "NWC"),
        precision=lax.Precision.HIGH if is_tensorfloat32 else lax.Precision.HIGHEST,
    )


def _convolve_rounded(x: jax.Array, kernel: jax.Array, *, stride: int, precision: Precision) -> jax.Array:
    """One convolution of factors that are rounded in software; products of them are exact in float32."""
    x, kernel_wide = (lax.reduce_precision(factor.astype(jnp.float32), *_BITS[precision]) for factor in (x, kernel))
    output = _convolve(x, kernel_wide, stride)
    return as_stored(output, precision) if precision in _HALVES else output.astype(kernel.dtype)


def _multiply_and_add(x: jax.Array, kernel: jax.Array, *, stride: int) -> jax.Array:
    """The convolution of one input channel, written so that it can be computed again wherever it is needed.

    A compiler joins it with the norm and the activation that follow, and its many channels are never stored before.
    """
    kernel_size = len(kernel)
    frames = (x.shape[1] - kernel_size) // stride + 1
    span = (frames - 1) * stride + 1
    taps = [x[:, tap : tap + span : stride] * kernel[None, None, tap, 0] for tap in range(kernel_size)]
    return functools.reduce(jnp.add, taps)


def _convolve_in_pairs(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """A convolution of two or three taps and stride 2, as matrix products of neighbouring frames.

    Three taps: what the even frames contribute to two neighbouring results is a filter of two taps, which takes three
    products in place of four (S. Winograd, Arithmetic Complexity of Computations, 1980: minimal filtering F(2, 2)).
    """
    batch, frames_in, channels = x.shape
    if len(kernel) == 2:
        frames = frames_in // 2
        return _product(x[:, : 2 * frames].reshape(batch, frames, 2 * channels), kernel.reshape(2 * channels, -1))
    frames = (frames_in - 3) // 2 + 1
    pairs = -(-frames // 2)
    x = jnp.pad(x, ((0, 0), (0, max(0, 4 * pairs + 1 - frames_in)), (0, 0)))[:, : 4 * pairs + 1]
    even_0, odd_0, even_1, odd_1 = (x[:, first : 4 * pairs : 4] for first in range(4))
    even_2 = x[:, 4::4]
    shared = _product(even_1, kernel[0] + kernel[2])
    first = _product(jnp.concatenate([even_0 - even_1, odd_0], -1), jnp.concatenate([kernel[0], kernel[1]]))
    second = _product(jnp.concatenate([even_2 - even_1, odd_1], -1), jnp.concatenate([kernel[2], kernel[1]]))
    output = jnp.stack([first + shared, second + shared], axis=2)
    return output.reshape(batch, 2 * pairs, -1)[:, :frames]


def _product(x: jax.Array, matrix: jax.Array) -> jax.Array:
    return jnp.matmul(x, matrix, precision=lax.Precision.HIGHEST)


def _convolve_in_tiles(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """The same, in tiles of about `_TILE_FRAMES` output frames: parts of one waveform, or several short ones."""
    batch, frames_in, channels = x.shape
    kernel_size = len(kernel)
    frames = (frames_in - kernel_size) // stride + 1
    if frames <= _TILE_FRAMES:
        waveforms = min(batch, _TILE_FRAMES // frames)
        if waveforms == batch:
            return _convolve_in_groups(x, kernel, stride)
        tile = functools.partial(_convolve_in_groups, kernel=kernel, stride=stride)
        return lax.map(lambda one: tile(one[None])[0], x, batch_size=waveforms)

    tiles = -(-frames // _TILE_FRAMES)
    tile_frames = -(-frames // tiles)
    span = (tile_frames - 1) * stride + kernel_size
    padding = (tiles * tile_frames - 1) * stride + kernel_size - frames_in
    x = jnp.pad(x, ((0, 0), (0, max(0, padding)), (0, 0)))
    waveform, start = np.meshgrid(np.arange(batch), np.arange(tiles) * tile_frames * stride, indexing="ij")

    def tile_of(index: tuple[jax.Array, jax.Array]) -> jax.Array:
        part = lax.dynamic_slice(x, (index[0], index[1], 0), (1, span, channels))
        return _convolve_in_groups(part, kernel, stride)[0]

    out = lax.map(tile_of, tuple(jnp.asarray(each.ravel(), jnp.int32) for each in (waveform, start)))
    return out.reshape(batch, tiles * tile_frames, -1)[:, :frames]


def _convolve_in_groups(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """The same, summed over groups of channels: each block of groups as a tree, the blocks one after another."""

    def block_of(start: int | jax.Array, size: int) -> jax.Array:
        part = lax.dynamic_slice_in_dim(x, start, size, axis=2)
        weights = lax.dynamic_slice_in_dim(kernel, start, size, axis=1)
        groups = [
            _convolve(part[..., first : first + _GROUP_CHANNELS], weights[:, first : first + _GROUP_CHANNELS], stride)
            for first in range(0, size, _GROUP_CHANNELS)
        ]
        return _tree_sum(groups)

    blocks, rest = divmod(kernel.shape[1], _BLOCK_CHANNELS)
    frames = (x.shape[1] - len(kernel)) // stride + 1
    total = block_of(blocks * _BLOCK_CHANNELS, rest) if rest else jnp.zeros((len(x), frames, kernel.shape[2]), x.dtype)
    if not blocks:
        return total
    # A loop, not a sum of all blocks: XLA would first make every partial result, and they do not fit the cache.
    return lax.fori_loop(0, blocks, lambda i, total: total + block_of(i * _BLOCK_CHANNELS, _BLOCK_CHANNELS), total)


def _tree_sum(terms: list[jax.Array]) -> jax.Array:
    while len(terms) > 1:
        terms = [functools.reduce(jnp.add, terms[i : i + 2]) for i in range(0, len(terms), 2)]
    return terms[0]
