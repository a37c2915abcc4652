"""Seconds until a command has drawn its first figure, and until it ends: with nothing compiled before, and again.

    python -m benchmarks.first_figure --experiments=amplitude,temporal,reproduce

Every command runs with `--quick` and the default encoders, in an otherwise empty folder. What JAX and numba compile is
kept in folders of this benchmark's own, which are empty at a cold start.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from absl import app, flags

_EXPERIMENTS = flags.DEFINE_list("experiments", ["amplitude", "temporal", "reproduce"], "Which commands.")
_WARM = flags.DEFINE_integer("warm", 2, "Warm starts of each, after the cold one.", lower_bound=0)


def main(arguments: Sequence[str]) -> None:
    if len(arguments) > 1:
        raise app.UsageError(f"unexpected argument {arguments[1]!r}")
    print("| command | start | first figure, s | end, s |\n|---|---|---|---|")
    for experiment in _EXPERIMENTS.value:
        with tempfile.TemporaryDirectory() as compiled:
            for start in ("cold", *["warm"] * _WARM.value):
                first, end = seconds(experiment, pathlib.Path(compiled))
                print(f"| `{experiment} --quick` | {start} | {first:.1f} | {end:.1f} |", flush=True)


def seconds(experiment: str, compiled: pathlib.Path) -> tuple[float, float]:
    """Until the first figure, and until the end."""
    with tempfile.TemporaryDirectory() as output:
        command = [sys.executable, "-m", f"experiments.{experiment}", "--quick", f"--output_dir={output}"]
        start = time.perf_counter()
        process = subprocess.Popen(
            [*command, f"--compilation_cache_dir={compiled / 'jax'}"],
            env=os.environ | {"NUMBA_CACHE_DIR": str(compiled / "numba")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        first = float("nan")
        while process.poll() is None:
            if first != first and next(pathlib.Path(output).rglob("[!.]*.png"), None):
                first = time.perf_counter() - start
            time.sleep(0.02)
        if process.returncode:
            raise SystemExit(f"experiments.{experiment} ended with status {process.returncode}")
        return first, time.perf_counter() - start


if __name__ == "__main__":
    app.run(main)
