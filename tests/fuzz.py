"""Damaged and made-up files: `PYTHONPATH=. python tests/fuzz.py --seconds=60 --seed=1`, with the folder as it is.

Every mutant is read in a process of its own kind, with bounds on time and memory. It must be refused in one printable
line, or give what an independent reader gives. What else happens is a fault, and is printed with the seed that makes
it again.
"""

import argparse
import collections
import contextlib
import dataclasses
import datetime
import importlib
import importlib.util
import io
import json
import multiprocessing
import pathlib
import random
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
import types
import warnings
import zipfile
from collections.abc import Callable

import fuzz_recordings
import numpy as np
import safetensors.numpy
from checkpoints import SMALL, config_json, expected, save_safetensors, save_transformers, state_dict, tensors
from finished_results import RECORD, USUAL, measurements, write_results
from flax import nnx, serialization
from torch_format import save_legacy, save_zip

from experiments.page import folder as results_folder
from experiments.page import page
from experiments.page.folder import ReportError
from w2v_jax.checkpoint import CheckpointError, Provenance, encoder_tensors, load_encoder, read_metadata, save_encoder
from w2v_jax.convert import convert_checkpoint
from w2v_jax.encoder import FeatureEncoder

SECONDS = 5.0  # for one file
MEGABYTES = 200  # above what the process had
CHECKPOINTS = ("safetensors", "zip", "legacy", "msgpack", "ours", "config", "index")
FORMATS = (*CHECKPOINTS, "metrics.json", *fuzz_recordings.FORMATS)
_NOW = datetime.datetime(2026, 1, 2)
_NUMBERS = (0, 1, 2**7, 2**15, 2**31 - 1, 2**32 - 1, 2**48, 2**62, 2**63 - 1, 2**64 - 1)
_SETTINGS = {"conv_feature_layers": "[(4, 4, 3)] + [(6, 3, 2)] + [(5, 2, 1)]", "sample_rate": 16_000}


@dataclasses.dataclass(frozen=True)
class Original:
    """A good file, and what a mutant of it is read with."""

    folder: pathlib.Path  # the mutant takes the place of `name` in a copy of it
    name: str
    read: Callable[[pathlib.Path, pathlib.Path], object]


def originals(folder: pathlib.Path) -> dict[str, Original]:
    """One good file of each format."""

    def convert(source: pathlib.Path, output: pathlib.Path) -> object:
        return convert_checkpoint(source, output)

    save_transformers(folder / "safetensors")
    for name, save in (("zip", save_zip), ("legacy", save_legacy)):
        (folder / name).mkdir()
        save(folder / name / "a.pt", {"args": dict(_SETTINGS), "model": tensors(state_dict(tool="fairseq"))})
    (folder / "ours").mkdir()
    encoder = FeatureEncoder(SMALL, rngs=nnx.Rngs(0))
    save_encoder(encoder, folder / "ours/a.safetensors", provenance=Provenance(source="a good file"))
    save_transformers(folder / "config")
    (folder / "index").mkdir()
    state = state_dict()
    save_safetensors(folder / "index/shard.safetensors", state)
    (folder / "index/config.json").write_text(config_json())
    places = {"weight_map": dict.fromkeys(state, "shard.safetensors")}
    (folder / "index/model.safetensors.index.json").write_text(json.dumps(places))
    (folder / "msgpack").mkdir()
    flax_names = {key.replace("conv.weight", "conv.kernel").replace("norm.weight", "norm.scale"): key for key in state}
    tree = {name: state[key].T if name.endswith("kernel") else state[key] for name, key in flax_names.items()}
    (folder / "msgpack/flax_model.msgpack").write_bytes(serialization.msgpack_serialize(tree))
    (folder / "msgpack/config.json").write_text(config_json())
    names = {
        "safetensors": "model.safetensors",
        "zip": "a.pt",
        "legacy": "a.pt",
        "msgpack": "flax_model.msgpack",
        "ours": "a.safetensors",
        "config": "config.json",
        "index": "model.safetensors.index.json",
        "metrics.json": "metrics.json",
    }
    write_results(folder / "results", measurements(USUAL))
    (folder / "metrics.json").symlink_to(folder / "results" / RECORD.name, target_is_directory=True)
    whole = {"config", "safetensors", "index", "msgpack"}  # read as a folder
    of_recordings = fuzz_recordings.write(folder)
    return {each: Original(folder / each, *how) for each, how in of_recordings.items()} | {
        each: Original(
            folder / each,
            names[each],
            (lambda path, output: load_encoder(path))
            if each == "ours"
            else (lambda path, output: page.page(results_folder.read(folder / "results", own=[RECORD]), now=_NOW))
            if each == "metrics.json"
            else (lambda path, output: convert(path.parent, output))
            if each in whole
            else convert,
        )
        for each in names
    }


def mutant(data: bytes, chance: random.Random) -> bytes:
    """`data`, changed in one to four places."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(len(changed)) if changed else 0
        # Headers and directories are where formats are made of.
        if chance.random() < 0.6 and changed:
            at = chance.choice((at % min(len(changed), 3_000), max(0, len(changed) - 1 - at % 600)))
        length = chance.choice((1, 1, 2, 4, 8, 30, 300))
        match chance.randrange(11):
            case 0:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del changed[at : at + length]
            case 2:
                changed[at:at] = changed[at : at + length] * chance.choice((1, 2, 1_000))
            case 3:
                del changed[at:]
            case 4:
                code, bits = chance.choice((("<I", 32), ("<Q", 64), ("<H", 16), (">Q", 64)))
                number = chance.choice(_NUMBERS) % 2**bits
                changed[at : at + bits // 8] = struct.pack(code, number)
            case 5:
                other = chance.randrange(max(1, len(changed)))
                changed[at : at + length] = changed[other : other + length]
            case 6:
                changed[at:at] = chance.choice((b"[" * 100_000, b"(" * 9_000, b"{" * 20_000, b"\x1b[31m", b"9" * 6_000))
            case 7:
                digits = [i for i in range(at, min(at + 400, len(changed))) if 48 <= changed[i] < 58]
                if digits:
                    where = chance.choice(digits)
                    changed[where : where + 1] = chance.choice(
                        (b"-1", b"99999999999999999999", b"0", b"1e400", b"null")
                    )
            case 8:
                changed = _json_changed(changed, chance)
            case _:
                with contextlib.suppress(Exception):  # what earlier changes have damaged too much stays as it is
                    changed = _directory_changed(changed, chance)
    return bytes(changed)


def _json_changed(data: bytearray, chance: random.Random) -> bytearray:
    """A value of the JSON that a file is, or begins with, changed."""
    start = 8 if data[8:9] == b"{" else 0
    size = struct.unpack("<Q", data[:8])[0] if start else len(data)
    try:
        tree = json.loads(bytes(data[start : start + size]))
    except (ValueError, RecursionError):
        return data
    node = tree
    while isinstance(node, dict | list) and node:
        key = chance.choice(list(node) if isinstance(node, dict) else range(len(node)))
        if not isinstance(node[key], dict | list) or chance.random() < 0.3:
            node[key] = chance.choice(
                (
                    None,
                    -1,
                    0,
                    2**60,
                    1e300,
                    "x" * 5_000,
                    "\x1b[2J",
                    [],
                    {},
                    [1] * 20_000,
                    [[1]] * 50,
                    True,
                    "F16",
                    10**40,
                )
            )
            break
        node = node[key]
    text = json.dumps(tree).encode()
    return data[:0] + (struct.pack("<Q", len(text)) if start else b"") + text + (data[start + size :] if start else b"")


def _directory_changed(data: bytearray, chance: random.Random) -> bytearray:
    """The header of a safetensors file, or the directory of a zip archive, changed as a whole and still well-formed."""
    if data.startswith(b"PK"):
        return _archive_changed(data, chance)
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(bytes(data[8 : 8 + size]))
    names = [name for name in header if name != "__metadata__"]
    one, other = (header[chance.choice(names)] for _ in range(2))
    first, last = one["data_offsets"]
    body = data[8 + size :]
    match chance.randrange(7):
        case 0:  # two in each other's place
            one["data_offsets"], other["data_offsets"] = other["data_offsets"], one["data_offsets"]
        case 1:
            one["data_offsets"] = [first + 4, last + 4]
        case 2:  # unused bytes at the end
            body += bytes(chance.choice((1, 4, 64)))
        case 3:  # one more over bytes that are another's, or none's
            header["more"] = {"dtype": "F32", "shape": [chance.choice((0, 1))], "data_offsets": [first, last]}
        case 4:
            names = chance.sample(list(header), len(header))
            header = {name: header[name] for name in names}
        case 5:
            one["dtype"] = chance.choice(("F16", "BF16", "I32", "F64", "U8", "f32"))
        case 6:
            del header[chance.choice(names)]
    text = json.dumps(header).encode() + b" " * chance.choice((0, 0, 3))
    if chance.random() < 0.2:
        text = text.replace(b"{", b'{"__metadata__":{},', 1)  # twice, perhaps
    return bytearray(struct.pack("<Q", len(text)) + text + body)


def _archive_changed(data: bytearray, chance: random.Random) -> bytearray:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    at, other = chance.randrange(len(members)), chance.randrange(len(members))
    name, content = members[at]
    match chance.randrange(6):
        case 0:  # two of one name
            members.insert(other, (name, members[other][1][: len(content)].ljust(len(content), b"\1")))
        case 1:
            members[at] = (chance.choice((name.upper(), "other/x", "x", f"archive/{name}", name + "\0x")), content)
        case 2:
            members.insert(at, members.pop(other))
        case 3:
            del members[at]
        case 4:
            members[at] = (name, chance.choice((b"", b"0", b"3", b"99", content[:-1], content + b"\0")))
        case 5:
            members.append((chance.choice(("archive/.data/version", "archive/more", "archive/sub/data.pkl")), b"5"))
    output = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(output, "w") as archive:
        warnings.simplefilter("ignore")
        for name, content in members:
            archive.writestr(name, content)
    return bytearray(output.getvalue())


def against(name: str, path: pathlib.Path, output: pathlib.Path) -> str:
    """What was read, held against the library that owns the format: "read", or a fault.

    In PyTorch's formats and in safetensors no checksum of the numbers is looked at: a number that was changed is read.
    What the library refuses must have been refused, but for two kinds of file: PyTorch loads nothing that names a class
    which it does not know, where we read what lies beside it; and it takes minutes over some.
    """
    if name in (
        "config",
        "index",
        "ours",
        "msgpack",
        "metrics.json",
        *fuzz_recordings.FORMATS,
    ):  # no other library has these; a digest vouches for ours
        return "read"
    torch_like = name in ("zip", "legacy")
    if torch_like and importlib.util.find_spec("torch") is None:
        return "read"
    tool, prefix = ("fairseq", "model.") if torch_like else ("transformers", "wav2vec2.")
    config, tensors = read_metadata(output).config, encoder_tensors(load_encoder(output))

    def same(state: dict[str, np.ndarray]) -> bool:
        wanted = expected(config, state, tool, prefix)
        return tensors.keys() == wanted.keys() and all(np.array_equal(tensors[each], wanted[each]) for each in wanted)

    # Imported before the clock runs: half an import is a broken one.
    torch = importlib.import_module("torch") if torch_like else None
    # PyTorch takes minutes over some of these files.
    signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        if torch is not None:
            loaded = torch.load(path, weights_only=True, map_location="cpu")
            saved = loaded.get("model") or next(each for each in loaded.values() if _has_tensors(each, torch))
            state = {f"{prefix}{key}": value.numpy() for key, value in saved.items()}
        else:
            state = safetensors.numpy.load_file(path)
        return "read" if same(state) else "fault: read, and not as its own library reads it"
    except TimeoutError:
        return "read, too slow there"
    except Exception as error:
        if "Unsupported global" in str(error) or "Unsupported class" in str(error):
            return "read, with names unknown there"
        return f"fault: read, and refused by its own library: {type(error).__name__} {str(error)[:200]!r}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _has_tensors(value: object, torch: types.ModuleType) -> bool:
    """Whether it is what "model" was, under a name that was changed."""
    return isinstance(value, dict) and any(isinstance(each, torch.Tensor) for each in value.values())


def _too_long(*_: object) -> None:
    raise TimeoutError


def attempt(original: Original, name: str, path: pathlib.Path, output: pathlib.Path) -> str:
    """What came of one mutant: "refused", "read", or a fault in words."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    outcome = "read"
    try:
        original.read(path, output)
    except (CheckpointError, ReportError, *fuzz_recordings.ERRORS, OSError) as error:
        said = str(error)
        plain = said.isprintable() and len(said) < 3_000
        outcome = "refused" if plain else f"fault: a message of {len(said)} characters, {said[:200]!r}"
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        outcome = (
            f"fault: {type(error).__name__} {str(error)[:100]!r} in {pathlib.Path(where.filename).name}:{where.lineno}"
        )
    if outcome == "refused" and output.exists():
        outcome = "fault: refused, and something written"
    seconds = time.monotonic() - began
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    if seconds > SECONDS:
        outcome = f"fault: {seconds:.1f} s"
    elif megabytes > MEGABYTES:
        outcome = f"fault: {megabytes:.0f} MB"
    if outcome == "read":
        outcome = against(name, path, output)
    output.unlink(missing_ok=True)
    return outcome


def run(formats: list[str], *, first: int, seconds: float = 0, count: int = 0) -> tuple[dict, list[str]]:
    """Mutants from seed `first` on, for so many seconds or so many of each format: counts, and the faults."""
    counts: dict[str, collections.Counter] = {name: collections.Counter() for name in formats}
    faults = []
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        known = originals(pathlib.Path(folder))
        data = {name: (known[name].folder / known[name].name).read_bytes() for name in formats}
        for name in formats:
            known[name].read(known[name].folder / known[name].name, pathlib.Path(folder) / "out.safetensors")
            (pathlib.Path(folder) / "out.safetensors").unlink(missing_ok=True)
        seed = first
        while time.monotonic() < end or seed < first + count:
            for name in formats:
                path = known[name].folder / known[name].name
                path.write_bytes(mutant(data[name], random.Random(f"{seed} {name}")))
                outcome = attempt(known[name], name, path, pathlib.Path(folder) / "out.safetensors")
                counts[name][outcome.partition(":")[0]] += 1
                if outcome.startswith("fault"):
                    faults.append(f"--seed={seed} --format={name} --count=1: {outcome}")
            seed += 1
    return counts, faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--count", type=int, default=0, help="mutants of each format")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--format", choices=FORMATS, action="append")
    options = parser.parse_args()
    # A process that hangs is ended by the one that watches it.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        arguments = dict(first=options.seed, seconds=options.seconds, count=options.count)
        waiting = pool.apply_async(run, (options.format or list(FORMATS),), arguments)
        try:
            counts, faults = waiting.get(timeout=options.seconds + 60 * (1 + options.count / 100))
        except multiprocessing.TimeoutError:
            print(f"fault: a file hangs; find it with --seed={options.seed} and a smaller --count")
            return 1
    print(f"seed {options.seed}")
    for name, each in counts.items():
        print(f"{name:21} " + ", ".join(f"{number:,} {what}" for what, number in sorted(each.items())))
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
