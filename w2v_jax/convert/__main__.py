"""The command `python -m w2v_jax.convert --source=SOURCE --output=weights/NAME.safetensors`."""

import argparse
import sys
from collections.abc import Sequence

from w2v_jax import streams
from w2v_jax.presets import PRESETS


def main(argv: Sequence[str] | None = None, *, program: str = "python -m w2v_jax.convert") -> int:
    """Runs the command; returns its exit status."""
    streams.prepare()
    parser = argparse.ArgumentParser(
        prog=program,
        description="Convert the feature encoder of a wav2vec-like checkpoint to a weight file of w2v_jax. "
        "PyTorch is not needed, and nothing in the checkpoint is executed.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--source",
        required=True,
        help="a checkpoint of transformers (file or directory), fairseq or torchaudio, or a hub id such as "
        "facebook/wav2vec2-base or facebook/wav2vec2-base@REVISION",
    )
    parser.add_argument("--output", required=True, help="the file to write, such as weights/wav2vec2-base.safetensors")
    parser.add_argument(
        "--config",
        help="what the checkpoint does not state, or states in two ways: "
        f"{', '.join(PRESETS)}, or a JSON file with fields of EncoderConfig "
        "or with a tool's own settings (config.json, model_config.json)",
    )
    parser.add_argument(
        "--prefix", help="what precedes the names of the encoder that is meant, where there are several"
    )
    options = parser.parse_args(argv)
    # After the help, which needs no JAX.
    from w2v_jax.checkpoint import CheckpointError
    from w2v_jax.convert.conversion import convert_checkpoint
    from w2v_jax.convert.layouts import summary
    from w2v_jax.convert.settings import SETTLES
    from w2v_jax.quoting import printable

    try:
        done = convert_checkpoint(options.source, options.output, config=options.config, prefix=options.prefix)
    except (CheckpointError, OSError) as error:
        print("error:", printable(" ".join(str(error).split())), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted; nothing was written", file=sys.stderr)
        return 130
    revision = f" at {done.provenance.revision}" if done.provenance.revision else ""
    print(f"found    {done.found} in {done.provenance.source}{revision}")
    print(f"config   {summary(done.config)} (from {printable(done.stated_by)})")
    if done.provenance.assumed:
        print(f"assumed  {done.provenance.assumed}: nothing that is read of the checkpoint states it; {SETTLES}")
    if done.provenance.normalize_input is not None:
        asks = "normalised" if done.provenance.normalize_input else "as it is"
        print(f"input    {asks}: so the model was trained")
    for note in done.notes:
        print(f"note     {printable(note)}")
    print(f"source   sha256:{done.provenance.source_sha256}")
    print(f"wrote    {printable(done.path)}")
    print(f"tensors  {done.digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
