"""What the machine itself can do: the rate of large matrix products, and of copying."""

import jax
import jax.numpy as jnp
import numpy as np
import torch

import w2v_jax


def flop_per_stimulus(config: w2v_jax.EncoderConfig, samples: int) -> float:
    """Floating-point operations in the convolutions, a multiplication and an addition counting as two."""
    total, frames, channels_in = 0, samples, 1
    for channels, kernel_size, stride in zip(config.channels, config.kernel_sizes, config.strides, strict=True):
        frames = (frames - kernel_size) // stride + 1
        total += 2 * frames * kernel_size * channels_in * channels
        channels_in = channels
    return float(total)


def matrix_products(*, size: int) -> dict:
    """Thunks by name, each one square product of `size`, by every library at hand."""
    a, b = np.random.default_rng(0).standard_normal((2, size, size), dtype=np.float32)
    thunks = {}
    if jax.default_backend() == "cpu":
        thunks["float32 (NumPy)"] = lambda: a @ b
        a_torch, b_torch = torch.from_numpy(a), torch.from_numpy(b)
        thunks["float32 (PyTorch)"] = lambda: a_torch @ b_torch
    precisions = {"float32 (JAX)": (jnp.float32, "highest")}
    if jax.default_backend() != "cpu":
        precisions |= {f"{half} (JAX)": (half, "default") for half in ("float16", "bfloat16")}
        precisions["tensorfloat32 (JAX)"] = (jnp.float32, "high")
    for name, (dtype, precision) in precisions.items():
        product = jax.jit(lambda a, b, precision=precision: jnp.matmul(a, b, precision=precision))
        left, right = jnp.asarray(a, dtype), jnp.asarray(b, dtype)
        thunks[name] = lambda product=product, left=left, right=right: product(left, right).block_until_ready()
    return thunks


def copy(*, gibibytes: float):
    """A thunk that copies an array of that size on the device: it reads and writes that much."""
    array = jnp.zeros(int(gibibytes * 2**30) // 4, jnp.float32)
    increment = jax.jit(lambda x: x + 1)
    return lambda: increment(array).block_until_ready()
