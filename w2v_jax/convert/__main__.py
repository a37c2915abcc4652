"""Convert a checkpoint of another tool to a weight file of w2v_jax.

python -m w2v_jax.convert --source=SOURCE [--output=weights/NAME.safetensors]
"""

import argparse
import sys
from collections.abc import Sequence

from w2v_jax._src import streams
from w2v_jax.presets import PRESETS


def main(argv: Sequence[str] | None = None, *, program: str = "python -m w2v_jax.convert") -> int:
    """Runs the command; returns its exit status."""
    streams.prepare()
    parser = argparse.ArgumentParser(
        prog=program,
        description="Convert the feature encoder of a wav2vec-like checkpoint to a weight file of w2v_jax. "
        "PyTorch is not needed, and nothing in the checkpoint is executed.",
        epilog="for example: w2v-jax convert --source=facebook/wav2vec2-base",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--source",
        required=True,
        action="append",
        help="the checkpoint: of transformers (file or directory), fairseq or torchaudio, or a hub id such as "
        "facebook/wav2vec2-base or facebook/wav2vec2-base@REVISION. The flag may be repeated; @FILE is a file with one "
        "source a line",
    )
    parser.add_argument(
        "--output",
        help="the file to write, such as weights/wav2vec2-base.safetensors, or the folder for several sources. Without "
        "this flag a model of the hub goes to the cache, where its id finds it",
    )
    parser.add_argument(
        "--config",
        help="the architecture, where the checkpoint does not state it or states two: "
        f"{', '.join(PRESETS)}, or a JSON file with fields of EncoderConfig "
        "or with a tool's own settings (config.json, model_config.json)",
    )
    parser.add_argument(
        "--prefix", help="the start of the encoder's tensor names, where a checkpoint has several encoders"
    )
    parser.add_argument("--offline", action="store_true", help="do not connect to the hub: use what was fetched before")
    options = parser.parse_args(argv)
    from w2v_jax.convert import command  # after the help, which needs no JAX

    return command.run(options)


if __name__ == "__main__":
    sys.exit(main())
