"""Writes tests/golden_features.safetensors from PyTorch: run it with `make golden` (needs PyTorch and transformers).

For every variant and waveform of `reference.py` it stores some frames of the float64 features, and in the metadata the
error of PyTorch's own float32 features on those frames.
"""

import json
import pathlib

import numpy as np
import reference
import safetensors.numpy
import torch
import transformers
from torch_reference import TorchEncoder

PATH = pathlib.Path(__file__).parent / "golden_features.safetensors"
FRAMES = slice(0, None, 8)


def main() -> None:
    names, waveforms = zip(*reference.waveforms().items(), strict=True)
    waveforms = np.stack(waveforms)
    features, errors = {}, {}
    for variant, config in reference.CONFIGS.items():
        torch_encoder = TorchEncoder(config, reference.weights(config, seed=1))
        exact = torch_encoder(waveforms.astype(np.float64))[:, FRAMES]
        single = torch_encoder(waveforms)[:, FRAMES]
        for name, one_exact, one_single in zip(names, exact, single, strict=True):
            features[f"{variant}/{name}"] = np.ascontiguousarray(one_exact)
            errors[f"{variant}/{name}"] = reference.relative_error(one_single, one_exact)
    metadata = {
        "errors": json.dumps(errors),
        "versions": f"torch {torch.__version__}, transformers {transformers.__version__}",
    }
    PATH.write_bytes(safetensors.numpy.save(features, metadata=metadata))
    for name, error in errors.items():
        print(f"{name:20s} {error:.2e}")


if __name__ == "__main__":
    main()
