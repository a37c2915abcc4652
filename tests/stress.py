"""The same sweep, started by hand several times at once in one folder, one of them killed at a random moment:
`PYTHONPATH=. python tests/stress.py --rounds=20 --processes=2,4 --seed=1`, with the tests' folder as it is.

All who are not killed must end with status 0 and the bits of an undisturbed sweep, and no shards and no locks may be
left. What else happens is printed, and the status is 1.
"""

import argparse
import contextlib
import dataclasses
import hashlib
import multiprocessing
import pathlib
import random
import sys
import tempfile
import time
import traceback

import numpy as np
from processes import run_in_process, save_tiny, two_tones

from experiments.front_ends import named, resolving
from experiments.store import measurements, rows
from experiments.store.results import Results
from w2v_jax.grids import Grid

GRID = Grid("tones", ({"low": np.linspace(100, 400, 60)}, {"high": np.linspace(1_000, 3_000, 20)}))
SECONDS = 240.0


def work(weights: str, output: pathlib.Path, name: str, log: pathlib.Path) -> None:
    """What a command does: a sweep, something kept, metrics."""
    with log.open("w", buffering=1) as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        try:
            (front_end,) = resolving.resolve([weights])
            results = Results(output, batch_size=4)
            results.check()
            features = results.sweep("f0", front_end, GRID, two_tones)
            results.kept("f0", f"mean.{front_end.name}.safetensors", {"of": "tones"}, lambda: {"x": features.mean(0)})
            row = dataclasses.replace(rows.number("mean", features.mean()), encoder=name)
            about = measurements.about(named.random_encoder(name, 0))
            measurements.save(results, rows.Measurements("f0", (row,), {name: about}))
            time.sleep(0)
        except BaseException:
            traceback.print_exc()
            raise


def one_round(weights: str, folder: pathlib.Path, count: int, chance: random.Random, seconds: float) -> list[str]:
    """What went wrong with so many processes, of which one is killed within `seconds`."""
    output = folder / "results"
    started = [run_in_process(work, weights, output, f"p{index}", folder / f"{index}.log") for index in range(count)]
    killed = chance.randrange(count)
    time.sleep(chance.random() * seconds)
    started[killed].kill()
    faults = []
    end = time.monotonic() + SECONDS
    for index, process in enumerate(started):
        process.join(max(0.0, end - time.monotonic()))
        if process.exitcode is None:
            process.kill()
            faults.append(f"process {index} never ended")
        elif index != killed and process.exitcode != 0:
            faults.append(f"process {index} ended with {process.exitcode}: {(folder / f'{index}.log').read_text()}")
    # One who was killed may have left a lock's file or a temporary one; the next command removes or ignores them.
    left = [path.name for path in (output / "f0").iterdir() if path.suffix == ".shards"]
    if left:
        faults.append(f"left: {left}")
    kept = Results(output).measurements("f0")
    there = {} if kept is None else kept.encoders
    lost = [f"p{index}" for index in range(count) if index != killed and f"p{index}" not in there]
    if lost:
        faults.append(f"numbers lost: {lost}")
    return faults


def digest(folder: pathlib.Path) -> str:
    return hashlib.sha256((folder / "results/f0/tones.tiny.safetensors").read_bytes()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--processes", default="2,4", help="how many at once, one after the other")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    chance = random.Random(options.seed)
    print(f"seed {options.seed}", flush=True)
    bad = 0
    with tempfile.TemporaryDirectory() as place:
        weights = save_tiny(pathlib.Path(place) / "tiny.safetensors")
        alone = pathlib.Path(place) / "alone"
        alone.mkdir()
        began = time.monotonic()
        run_in_process(work, weights, alone / "results", "p0", alone / "0.log").join()
        seconds = time.monotonic() - began
        for count in map(int, options.processes.split(",")):
            ended = 0
            for number in range(options.rounds):
                folder = pathlib.Path(place) / f"{count}-{number}"
                folder.mkdir()
                faults = one_round(weights, folder, count, chance, seconds * 1.5)
                if not faults and digest(folder) != digest(alone):
                    faults.append("other bits than those of one process")
                for fault in faults:
                    print(f"{count} processes, round {number}: {fault}", flush=True)
                ended += not faults
            print(f"{count} processes: {ended} of {options.rounds} rounds as they should be", flush=True)
            bad += options.rounds - ended
    return 1 if bad else 0


if __name__ == "__main__":
    multiprocessing.freeze_support()
    sys.exit(main())
