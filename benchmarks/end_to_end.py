"""Milliseconds per stimulus, from parameters to pooled features: PyTorch's usual way, its best, and ours.

    python -m benchmarks.end_to_end --output=benchmark.json

All contenders have the same weights and stimuli (vowels of the paper's section 3.4) and take turns in every round, as
do the machine's own ceilings. Reported are medians over rounds, and medians of the ratios within a round, since the
speed of a shared machine drifts. Needs PyTorch and transformers (`make benchmark` installs them).
"""

import json
import pathlib
import platform
import time
from collections.abc import Callable, Sequence

import jax
import numpy as np
import torch
from absl import app, flags

from benchmarks import ceilings, contenders
from w2v_jax._src import files

_OUTPUT = flags.DEFINE_string("output", None, "JSON file to write.")
_ROUNDS = flags.DEFINE_integer("rounds", 7, "Rounds to take medians over.", lower_bound=1)
_STIMULI = flags.DEFINE_integer("stimuli", None, "Stimuli per contender and round; by default 32, on a GPU 2,048.")
_PRECISIONS = flags.DEFINE_list(
    "precisions", None, "To compare at; by default float32, on a GPU tensorfloat32, float16 and bfloat16 as well."
)
_COMPILE = flags.DEFINE_bool("torch_compile", True, "Also try torch.compile (it compiles for a minute).")


def main(arguments: Sequence[str]) -> None:
    if len(arguments) > 1:
        raise app.UsageError(f"unexpected argument {arguments[1]!r}")
    on_gpu = jax.default_backend() == "gpu"
    if on_gpu and not torch.cuda.is_available():
        raise app.UsageError("JAX sees a GPU and PyTorch none: install its CUDA build, or set JAX_PLATFORMS=cpu")
    stimuli = _STIMULI.value or (2_048 if on_gpu else 32)
    frequencies = _vowels(stimuli)
    model = contenders.TorchModel("cuda" if on_gpu else "cpu")
    encoder = model.as_ours()

    batch_sizes = (64, 256) if on_gpu else (1, 4, 16, 32)
    # A CPU would only pretend to have the cheaper ones.
    precisions = _PRECISIONS.value or (["float32", "tensorfloat32", "float16", "bfloat16"] if on_gpu else ["float32"])
    ours = "w2v_jax"
    one_at_a_time = "PyTorch, one at a time"
    fewer = frequencies[: max(1, stimuli // 8)] if on_gpu else frequencies[:8]
    everyone = {ours: contenders.ours(encoder)}
    for precision in precisions:
        named = "" if precision == "float32" else f", {precision}"
        everyone[f"{ours}{named}"] = contenders.ours(model.as_ours(precision=precision))
        everyone |= {f"PyTorch, eager, batch {b}{named}": model.batched(b, precision=precision) for b in batch_sizes}
        if _COMPILE.value:
            everyone |= {
                f"PyTorch, compiled, batch {b}{named}": model.batched(b, compiled=True, precision=precision)
                for b in batch_sizes[-1 if on_gpu else -2 :]
            }
    everyone[f"{ours}, exact"] = contenders.ours(model.as_ours(precision="exact"))
    everyone[one_at_a_time] = model.one_at_a_time()
    slow = (one_at_a_time, f"{ours}, exact") if on_gpu else (one_at_a_time,)
    counts = {name: len(fewer if name in slow else frequencies) for name in everyone}
    thunks: dict[str, Callable[[], object]] = {}
    for name, run in everyone.items():
        thunks[name] = lambda run=run, n=counts[name]: run(frequencies[:n])
    errors = _errors({name: run(fewer) for name, run in everyone.items()}, exact=f"{ours}, exact")

    size = 8_192 if on_gpu else 2_048
    products = ceilings.matrix_products(size=size)
    seconds = _measure({**thunks, **products}, rounds=_ROUNDS.value)
    per_stimulus = {name: seconds[name] / counts[name] for name in everyone}
    flop = ceilings.flop_per_stimulus(encoder.config, contenders.SAMPLES)
    rates = {name: 2 * size**3 / seconds[name] for name in products}
    float32_rates = np.max([rate for name, rate in rates.items() if name.startswith("float32")], axis=0)
    report = {
        "machine": _machine(),
        "rounds": _ROUNDS.value,
        "stimuli_per_round": counts,
        "gflop_per_stimulus": flop / 1e9,
        "ceilings_gflop_per_second": {name: float(np.median(rate)) / 1e9 for name, rate in rates.items()},
        "contenders": {
            name: {
                "ms_per_stimulus": 1e3 * float(np.median(each)),
                "difference_from_exact": errors[name],
                "times_ours": float(np.median(each / per_stimulus[ours])),
                "fraction_of_float32_ceiling": float(np.median(flop / each / float32_rates)),
            }
            for name, each in per_stimulus.items()
        },
    }
    if on_gpu:
        copied = 2 * 2**30 / _measure({"copy": ceilings.copy(gibibytes=1.0)}, rounds=_ROUNDS.value)["copy"]
        report["copy_gigabytes_per_second"] = float(np.median(copied)) / 1e9
    print(_table(report))
    if _OUTPUT.value:
        with files.atomic_path(pathlib.Path(_OUTPUT.value)) as temporary:
            temporary.write_text(json.dumps(report, indent=1) + "\n")


def _vowels(n: int) -> np.ndarray:
    """(n, 3) float32: f0, F1 and F2 in Hz, from the paper's ranges."""
    random = np.random.default_rng(0)
    return np.stack([np.full(n, 120.0), random.uniform(235, 850, n), random.uniform(595, 2400, n)], 1).astype(
        np.float32
    )


def _errors(features: dict[str, np.ndarray], *, exact: str) -> dict[str, float]:
    """How far each contender is from `exact`, relative; a benchmark of different numbers would compare nothing."""
    errors = {}
    for name, each in features.items():
        errors[name] = float(np.linalg.norm(each - features[exact]) / np.linalg.norm(features[exact]))
        # The group norm magnifies the last bit of the waveform, in which the ways to synthesise it differ.
        limit = 0.03 if "float16" in name or "tensorfloat32" in name else 1e-4
        if not errors[name] < limit:
            raise RuntimeError(f"{name} differs from {exact} by {errors[name]:.1e}; expected less than {limit:g}")
    return errors


def _measure(thunks: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, np.ndarray]:
    """Seconds of each thunk in each round; everything has one turn per round, after one uncounted."""
    seconds: dict[str, list[float]] = {name: [] for name in thunks}
    for thunk in thunks.values():
        thunk()
    for _ in range(rounds):
        for name, thunk in thunks.items():
            start = time.perf_counter()
            thunk()
            seconds[name].append(time.perf_counter() - start)
    return {name: np.array(each) for name, each in seconds.items()}


def _machine() -> dict[str, str]:
    cpu = platform.processor() or platform.machine()
    info = pathlib.Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = f"{names[0]}, {len(names)} cores" if names else cpu
    return {
        "cpu": cpu,
        "device": jax.devices()[0].device_kind,
        "jax": jax.__version__,
        "torch": torch.__version__,
        "torch threads": str(torch.get_num_threads()),
    }


def _table(report: dict) -> str:
    lines = [
        f"{report['machine']['cpu']}; {report['machine']['device']}; jax {report['machine']['jax']}, "
        f"torch {report['machine']['torch']}; medians of {report['rounds']} rounds",
        "",
        "| | ms per stimulus | times ours | fraction of the float32 ceiling | difference from `exact` |",
        "|---|---|---|---|---|",
    ]
    for name, row in sorted(report["contenders"].items(), key=lambda item: item[1]["ms_per_stimulus"]):
        lines.append(
            f"| {name} | {row['ms_per_stimulus']:.4g} | {row['times_ours']:.2f} "
            f"| {row['fraction_of_float32_ceiling']:.2f} | {row['difference_from_exact']:.1e} |"
        )
    rates = ", ".join(f"{name} {rate:,.0f}" for name, rate in report["ceilings_gflop_per_second"].items())
    lines += ["", f"Ceilings, GFLOP/s of large matrix products: {rates}."]
    if "copy_gigabytes_per_second" in report:
        lines.append(f"Copying on the device: {report['copy_gigabytes_per_second']:,.0f} GB/s read and written.")
    return "\n".join(lines)


if __name__ == "__main__":
    app.run(main)
