"""List the encoders at hand.

The bundled one, those in `weights/`, and those that came from the hub. `--encoders` takes the names in the first
column.
"""

import argparse
import dataclasses
import pathlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from w2v_jax.hub.cache import CachedEncoder

COLUMNS = ("name", "front end", "hop", "rate", "revision", "source")
_SHOWN = 12  # characters of a commit


@dataclasses.dataclass(frozen=True)
class AtHand:
    """A weight file, and the name that it goes by."""

    name: str
    path: pathlib.Path
    revisions: tuple[str, ...] = ()


def at_hand() -> list[AtHand]:
    """Every weight file that has a name: of the folders for weights, in the order of searching, and of the cache."""
    from w2v_jax import checkpoint
    from w2v_jax.hub import cache

    by_name: dict[str, AtHand] = {}
    for folder in checkpoint.weights_folders():
        for path in sorted(folder.glob(f"*{checkpoint.SUFFIX}")):
            if not path.name.startswith("."):
                by_name.setdefault(path.stem, AtHand(path.stem, path))
    return [*by_name.values(), *(_cached(each) for each in cache.encoders())]


def _cached(encoder: "CachedEncoder") -> AtHand:
    return AtHand("", encoder.path, encoder.revisions)


def row(each: AtHand) -> tuple[str, ...]:
    """Its cells, by `COLUMNS`.

    Raises:
        CheckpointError: it cannot be used.
    """
    from w2v_jax import checkpoint

    metadata = checkpoint.read_metadata(each.path)
    config, provenance = metadata.config, metadata.provenance
    name = each.name
    if not name:
        commit = "" if "main" in each.revisions else f"@{each.revisions[0] if each.revisions else provenance.revision}"
        name = f"{provenance.source}{commit}"
    norm = f"{config.conv_norm} norm" + ("" if config.final_norm else ", no final norm")
    return (
        name,
        f"{len(config.channels)} layers of {max(config.channels)}, {norm}",
        str(config.frames.hop),
        str(config.sample_rate),
        (provenance.revision or "")[:_SHOWN],
        provenance.source,
    )


def main(argv: Sequence[str] | None = None, *, program: str = "w2v-jax encoders") -> int:
    """Prints the table; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="List the encoders at hand: the bundled one, those in weights/, and those fetched from the hub "
        "(kept in the folder $W2V_JAX_HOME, or in w2v_jax in your cache folder). The first column has the names that "
        "--encoders takes.",
        epilog="for example: w2v-jax encoders",
        allow_abbrev=False,
    )
    parser.parse_args(argv)
    # After the help, which needs no JAX.
    from w2v_jax.checkpoint import CheckpointError
    from w2v_jax.convert.many import table

    rows, failed = [], []
    for each in at_hand():
        try:
            rows.append(row(each))
        except (CheckpointError, OSError) as error:
            failed.append(" ".join(str(error).split()))
    if rows:
        print("\n".join(table(rows, COLUMNS)))
    else:
        print("There are no encoders here. w2v-jax f0 --encoders=OWNER/NAME fetches one from the hub.")
    for said in failed:
        print("error:", said, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
