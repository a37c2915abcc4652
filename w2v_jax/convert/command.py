"""What the command `convert` does, once its flags are read."""

import argparse
import pathlib
import re
import sys
from collections.abc import Sequence

from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.quoting import printable
from w2v_jax.convert import many
from w2v_jax.convert.conversion import Conversion
from w2v_jax.convert.layouts import summary
from w2v_jax.convert.paths_and_ids import convert_checkpoint
from w2v_jax.convert.settings import SETTLES
from w2v_jax.hub import obtaining
from w2v_jax.hub.bar import Bar
from w2v_jax.hub.ids import is_hub_id
from w2v_jax.hub.listening import Listener, megabytes


def run(options: argparse.Namespace) -> int:
    """Does what the flags say; returns the exit status."""
    try:
        with Bar() as bar:
            sources = many.listed(options.source)
            if len(sources) > 1:
                return _several(sources, options, bar)
            return _one(sources[0], options, bar)
    except (CheckpointError, OSError) as error:
        print("error:", printable(_in_flags(" ".join(str(error).split()))), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted; nothing was written", file=sys.stderr)
        return 130


def _one(source: str, options: argparse.Namespace, listener: Listener) -> int:
    if options.output is None:
        return _into_cache(source, options, listener)
    done = convert_checkpoint(
        source,
        options.output,
        config=options.config,
        prefix=options.prefix,
        offline=options.offline,
        listener=listener,
    )
    _tell(done)
    return 0


def _into_cache(source: str, options: argparse.Namespace, listener: Listener) -> int:
    if not is_hub_id(source) or pathlib.Path(source).exists():
        raise CheckpointError(f"{source}: no --output; expected a file to write, such as weights/NAME.safetensors")
    _check_plain(options)
    got = obtaining.obtain(source, offline=options.offline, listener=listener)
    if got.conversion is not None:
        _tell(got.conversion)
    else:
        print(f"found    {source} at {got.commit}, converted before")
        print(f"file     {got.path}")
    return 0


def _several(sources: Sequence[str], options: argparse.Namespace, bar: Bar) -> int:
    if options.output is None:
        _check_plain(options)
    places = many.destinations(sources, options.output)
    outcomes = list(
        many.convert_all(places, config=options.config, prefix=options.prefix, offline=options.offline, listener=bar)
    )
    print("\n".join(many.table([each.row() for each in outcomes], many.COLUMNS)))
    for note in (note for each in outcomes for note in each.notes):
        print("note:", printable(note))
    failed = [each.error for each in outcomes if each.error is not None]
    for error in failed:
        print("error:", printable(_in_flags(error)), file=sys.stderr)
    return 1 if failed else 0


def _check_plain(options: argparse.Namespace) -> None:
    """What is in the cache is as the hub has it, for everyone who names it."""
    if options.config is not None or options.prefix is not None:
        flag = "--config" if options.config is not None else "--prefix"
        raise CheckpointError(f"{flag} without --output; expected a file of its own, such as weights/NAME.safetensors")


def _in_flags(text: str) -> str:
    """What the library says of its arguments, in the command's flags."""
    return re.sub(r"(?<![\w-])(config|prefix)=", r"--\1=", text)


def _tell(done: Conversion) -> None:
    revision = f" at {done.provenance.revision}" if done.provenance.revision else ""
    print(f"found    {done.found} in {done.provenance.source}{revision}")
    print(f"config   {summary(done.config)} (from {printable(_in_flags(done.stated_by))})")
    if done.provenance.assumed:
        remedy = _in_flags(SETTLES)
        print(f"assumed  {done.provenance.assumed}: nothing that is read of the checkpoint states it; {remedy}")
    if done.provenance.normalize_input is not None:
        asks = "normalised" if done.provenance.normalize_input else "as it is"
        print(f"input    {asks}: so the model was trained")
    for note in done.notes:
        print(f"note     {printable(note)}")
    if done.received:
        print(f"fetched  {megabytes(done.received)}")
    if done.provenance.source_sha256:
        print(f"source   sha256:{done.provenance.source_sha256}")
    print(f"wrote    {printable(done.path)}")
    print(f"tensors  {done.digest}")
