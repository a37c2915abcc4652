"""Devices, their peak rates, and the time that a program would need at them."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.program_text import Kernel, Product

# NVIDIA's numbers of the H100 SXM, as XLA asks for them. Of the H200 only the memory is another.
_HOPPER = """
gpu_device_info {{
  threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152 shared_memory_per_core: 233472
  threads_per_core_limit: 2048 core_count: 132 fpus_per_core: 128 block_dim_limit_x: 2147483647
  block_dim_limit_y: 65535 block_dim_limit_z: 65535 memory_bandwidth: {bandwidth} l2_cache_size: 52428800
  clock_rate_ghz: 1.98 device_memory_size: {memory} shared_memory_per_block_optin: 232448
  cuda_compute_capability {{ major: 9 minor: 0 }} registers_per_core_limit: 65536 registers_per_block_limit: 65536
}}
platform_name: "CUDA" dnn_version_info {{ major: 9 minor: 8 }} device_description_str: "{name}"
"""


@dataclasses.dataclass(frozen=True)
class Target:
    """A device.

    Attributes:
        platform: JAX's name.
        options: of `jax.experimental.topologies.get_topology_desc`.
        bandwidth: of its memory, bytes a second.
        peak: FLOP a second by the type of the factors; "full" is float32 in full, "f32" what XLA may round.
        source: of the rates.
    """

    platform: str
    options: Mapping[str, str]
    bandwidth: float
    peak: Mapping[str, float]
    source: str


def _cuda(name: str, *, bandwidth: int, memory: int) -> dict[str, str]:
    config = _HOPPER.format(name=name, bandwidth=bandwidth, memory=memory)
    return {"topology_name": "", "topology": "1x1x1", "target_config": config}


TARGETS = {
    "h100": Target(
        "cuda",
        _cuda("NVIDIA H100 80GB HBM3", bandwidth=3_352_320_000_000, memory=84_978_434_048),
        3.35e12,
        {"full": 67e12, "f32": 495e12, "f16": 989e12, "bf16": 989e12},
        "NVIDIA's data sheet, H100 SXM, without sparsity",
    ),
    "h200": Target(
        "cuda",
        _cuda("NVIDIA H200", bandwidth=4_800_000_000_000, memory=150_000_000_000),
        4.26e12,
        {"full": 51e12, "f32": 418e12, "f16": 801e12, "bf16": 801e12},
        "measured on one H200: a copy, and products of 8192-square matrices (float16 taken as bfloat16)",
    ),
    "tpu-v5e": Target(
        "tpu",
        {"topology_name": "v5e:2x2"},
        8.19e11,
        {"full": 197e12 / 6, "f32": 197e12 / 3, "f16": 197e12, "bf16": 197e12},
        "Google's page of v5e; float32 as six and as three bfloat16 products",
    ),
}


def summary(kernels: Sequence[Kernel], target: Target, *, per: int) -> dict[str, Any]:
    """Kernels, types, FLOP, bytes and the bound in seconds, the last three divided by `per`."""
    kinds = Counter(_kind(product) for kernel in kernels for product in kernel.products)
    seconds = sum(
        kernel.times
        * max(
            kernel.num_bytes / target.bandwidth,
            sum(product.flops / target.peak[_rate(product)] for product in kernel.products),
        )
        for kernel in kernels
    )
    return {
        "kernels": sum(kernel.times for kernel in kernels),
        "factors": dict(kinds.most_common()),
        "flops": sum(kernel.times * product.flops for kernel in kernels for product in kernel.products) / per,
        "bytes": sum(kernel.times * kernel.num_bytes for kernel in kernels) / per,
        "bound_seconds": seconds / per,
    }


def _kind(product: Product) -> str:
    return {"full": "float32 in full", "f32": "float32 that may be rounded"}.get(_rate(product), _rate(product))


def _rate(product: Product) -> str:
    halves = set(product.operands) & {"f16", "bf16"}
    if halves and len(set(product.operands)) == 1:
        return halves.pop()
    return "full" if product.is_full else "f32"
