"""What a cheaper precision changes: the error of the features, and of every number in `metrics.json`, against float64.

    python -m benchmarks.precision --output=precision.json

Runs the experiments (thinned grids) once with PyTorch's float64 encoder in place of ours, and once with ours in each
precision, on the same weights and waveforms. On a CPU the cheaper precisions are rounded in software: the errors are
those of the hardware's products, the speed is not. Needs PyTorch and transformers (`make precision` installs them).
"""

import copy
import dataclasses
import json
import pathlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np
import torch
from absl import app, flags
from flax import nnx

import w2v_jax
from benchmarks.contenders import TorchModel
from experiments import records, running
from experiments.front_ends import named, resolving
from experiments.store.results import Results
from experiments.store.rows import Row
from w2v_jax._src import files, tensor_file
from w2v_jax.convolution import PRECISIONS

_OUTPUT = flags.DEFINE_string("output", None, "JSON file to write.")

EXPERIMENTS = ("temporal", "f0", "formants", "amplitude")
REFERENCE = "float64"


class Float64Encoder(nnx.Module):
    """The PyTorch encoder in float64, as a front end; its features are rounded to float32 at the end."""

    def __init__(self, model: TorchModel, config: w2v_jax.EncoderConfig):
        self.config = config
        self.frames = config.frames
        self._double = nnx.static(copy.deepcopy(model.model).cpu().double())

    def __call__(self, waveform: jax.Array) -> jax.Array:
        """(batch, samples) to (batch, frames, channels)."""
        batch, samples = waveform.shape
        shape = (batch, self.frames.num_frames(samples), self.config.channels[-1])
        return jax.pure_callback(self._features, jax.ShapeDtypeStruct(shape, np.float32), waveform)

    def _features(self, waveform: jax.Array) -> np.ndarray:
        with torch.inference_mode():
            hidden = self._double.feature_extractor(torch.tensor(np.asarray(waveform, np.float64)))
            return self._double.feature_projection.layer_norm(hidden.transpose(1, 2)).float().numpy()


def main(arguments: Sequence[str]) -> None:
    if len(arguments) > 1:
        raise app.UsageError(f"unexpected argument {arguments[1]!r}")
    model = TorchModel("cpu")
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        w2v_jax.save_encoder(model.as_ours(), root / "random.safetensors")
        path = str(root / "random.safetensors")
        named = {precision: resolving.resolve([path], precision=precision)[0] for precision in PRECISIONS}
        first = named["float32"]
        double = Float64Encoder(model, model.as_ours().config)
        named[REFERENCE] = dataclasses.replace(first, digest=REFERENCE, make=lambda: double, precision=None)
        metrics = {name: _run(each, Results(root / name, size="quick")) for name, each in named.items()}
        features = {name: dict(_features(root / name)) for name in metrics}

    report: dict[str, Any] = {"features": {}, "metrics": {}}
    for precision in PRECISIONS:
        report["features"][precision] = {
            sweep: float(np.linalg.norm(ours - features[REFERENCE][sweep]) / np.linalg.norm(features[REFERENCE][sweep]))
            for sweep, ours in features[precision].items()
        }
    expected = _numbers(metrics[REFERENCE])
    for name, value in expected.items():
        errors = {p: _largest_error(_numbers(metrics[p]).get(name), value) for p in PRECISIONS}
        report["metrics"][name] = {"largest value": float(np.abs(value).max()), **errors}
    print(_table(report))
    if _OUTPUT.value:
        with files.atomic_path(pathlib.Path(_OUTPUT.value)) as temporary:
            temporary.write_text(json.dumps(report, indent=1) + "\n")


def _run(front_end: named.NamedFrontEnd, results: Results) -> list[Row]:
    several = [running.run(records.experiment(each), [front_end], results) for each in EXPERIMENTS]
    return [row for each in several for row in each.rows if row.encoder == front_end.name]


def _features(folder: pathlib.Path) -> Iterator[tuple[str, np.ndarray]]:
    for path in sorted(folder.glob("quick/*/*.safetensors")):
        if ".umap." not in path.name:
            yield path.name.split(".")[0], np.array(tensor_file.open_file(path).array("features"), np.float64)


def _largest_error(numbers: np.ndarray | None, expected: np.ndarray) -> float:
    """NaN where a precision leaves a number undefined that float64 has."""
    if numbers is None or numbers.shape != expected.shape:
        return np.nan
    known = ~np.isnan(expected)
    return float(np.abs(numbers - expected)[known].max(initial=0.0))


def _numbers(rows: Sequence[Row]) -> dict[str, np.ndarray]:
    """Every value, those of one quantity together; NaN where one is undefined."""
    values: dict[str, list[float]] = {}
    for row in rows:
        values.setdefault(row.quantity, []).append(np.nan if row.value is None else row.value)
    return {quantity: np.array(several) for quantity, several in values.items()}


def _table(report: Mapping[str, Any]) -> str:
    head = ["", "largest value", *PRECISIONS]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for sweep in report["features"][PRECISIONS[0]]:
        errors = " | ".join(f"{report['features'][p][sweep]:.1e}" for p in PRECISIONS)
        lines.append(f"| features of `{sweep}` (relative) | | {errors} |")
    for name, row in report["metrics"].items():
        if any(row[p] for p in PRECISIONS):  # parameters have no error
            errors = " | ".join(f"{row[p]:.1e}" for p in PRECISIONS)
            lines.append(f"| `{name}` | {row['largest value']:.3g} | {errors} |")
    return "\n".join(lines)


if __name__ == "__main__":
    app.run(main)
