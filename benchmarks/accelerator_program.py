"""What a GPU or TPU would be given: the compiled sweep and training step, for a device that need not be there.

    python -m benchmarks.accelerator_program --target=h100 --precision=float16,float32

XLA compiles for a described device. Printed are the kernels, the types of all products, the bytes that kernels read and
write, and a bound: the time that the device would need at its peak rates, kernel after kernel. It is a bound, and no
measurement. Needs plugins that fit the installed jax, which `pip install 'w2v_jax[accelerator-program]'` brings,
best into an environment of its own: with them JAX asks for a device at every start.
"""

import json
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from absl import app, flags
from flax import nnx
from jax.experimental import topologies
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from benchmarks import program_text
from benchmarks.rooflines import TARGETS, summary
from experiments.pretrain import training
from experiments.pretrain.training import Recipe
from experiments.store.results import AtRate
from experiments.vowels import space
from w2v_jax import front_end
from w2v_jax._src import chunk_programs, files
from w2v_jax.convolution import PRECISIONS, Precision, check_precision
from w2v_jax.encoder import EncoderConfig, FeatureEncoder

_TARGET = flags.DEFINE_enum("target", "h100", list(TARGETS), "The device.")
_PRECISION = flags.DEFINE_list("precision", [each for each in PRECISIONS if each != "exact"], "One or several.")
_STIMULI = flags.DEFINE_integer("stimuli", 256, "In a call, for each device.", lower_bound=1)
_TRAINING = flags.DEFINE_bool("training", True, "Also the training step, of batch 32 on each device.")
_PRODUCTS = flags.DEFINE_bool("products", False, "Also print every product.")
_OUTPUT = flags.DEFINE_string("output", None, "JSON file to write.")


def main(arguments: Sequence[str]) -> None:
    if len(arguments) > 1:
        raise app.UsageError(f"unexpected argument {arguments[1]!r}")
    jax.config.update("jax_platforms", "cpu")
    target = TARGETS[_TARGET.value]
    try:
        topology = topologies.get_topology_desc(platform=target.platform, **target.options)
    except Exception as error:  # of whatever plugin there is
        raise app.UsageError(
            f"--target={_TARGET.value}: no plugin here compiles for {target.platform} ({error}); install those of "
            f"jax {jax.__version__}: pip install 'w2v_jax[accelerator-program]'"
        ) from error
    report: dict[str, Any] = {"target": _TARGET.value, "rates": target.source, "jax": jax.__version__, "programs": []}
    print(f"Bounds, not measurements, for {topology.devices[0].device_kind} (rates: {target.source}).\n")
    print("| program | kernels | factors of products | GFLOP | MB | bound, us |\n|---|---|---|---|---|---|")
    for name in _PRECISION.value:
        precision = check_precision(name)
        programs = {"sweep, a stimulus": (sweep_program(topology.devices, precision), _STIMULI.value)}
        if _TRAINING.value:
            programs["training, a step of 32"] = (training_program(topology.devices, precision), 1)
        for what, (lowered, per) in programs.items():
            compiled = lowered.compile()
            kernels = program_text.kernels(compiled.as_text())
            row = summary(kernels, target, per=per) | {"program": what, "precision": precision}
            report["programs"].append(row)
            types = ", ".join(f"{count} {kind}" for kind, count in row["factors"].items())
            print(
                f"| `{precision}`: {what} | {row['kernels']} | {types} | {row['flops'] / 1e9:.2f} | "
                f"{row['bytes'] / 1e6:.1f} | {1e6 * row['bound_seconds']:.1f} |",
                flush=True,
            )
            for product in (p for kernel in kernels for p in kernel.products) if _PRODUCTS.value else ():
                print(
                    f"    {product.name}: {' x '.join(product.operands)} -> {product.result}, {product.flops:.3g} FLOP"
                )
    if _OUTPUT.value:
        with files.atomic_path(_OUTPUT.value) as temporary:
            temporary.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def sweep_program(devices: Sequence[Any], precision: Precision) -> jax.stages.Lowered:
    """The program of a sweep of vowels, as `w2v_jax.sweep` runs it on these devices."""
    mesh = Mesh(np.array(devices), (chunk_programs.ROWS,))
    rows = _STIMULI.value * len(devices)

    def like(array: Any, spec: P) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(array.shape, array.dtype, sharding=NamedSharding(mesh, spec))

    config = EncoderConfig()
    encoder = nnx.eval_shape(lambda: FeatureEncoder(config, precision=precision, rngs=nnx.Rngs(0)))
    static, state = front_end.split(encoder)
    state = jax.tree.map(lambda each: like(each, P()), state)
    column = jax.ShapeDtypeStruct((rows,), np.float32)
    chunk = {name: like(column, P(chunk_programs.ROWS)) for name in ("f0", "f1", "f2")}
    vowel = AtRate(space.vowel, config.sample_rate)
    return chunk_programs.chunk_features.lower(static, vowel, "mean", mesh, state, chunk)


def training_program(devices: Sequence[Any], precision: Precision) -> jax.stages.Lowered:
    """A training step of `experiments.pretrain`."""
    recipe = Recipe(precision=precision, batch_size=32 * len(devices))
    mesh = training.mesh_of(devices)
    state = jax.eval_shape(lambda: training.initial_state(recipe))
    everywhere = NamedSharding(mesh, P())
    state = jax.tree.map(lambda each: jax.ShapeDtypeStruct(each.shape, each.dtype, sharding=everywhere), state)
    return training.train_step.lower(recipe, mesh, state)


if __name__ == "__main__":
    app.run(main)
