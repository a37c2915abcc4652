"""A folder in which an encoder is trained: training checkpoints, snapshots and the curve.

Stopped, killed or damaged at any moment, a run goes on and ends with the same files.
"""

import collections
import csv
import dataclasses
import errno
import json
import os
import pathlib
import shutil
import time
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from w2v_jax._src import files
from w2v_jax.checkpoint import SUFFIX, Provenance, save_encoder
from w2v_jax.contrastive import Outcome

from ..draw import figures
from ..front_ends.named import source_of_pretraining
from ..store import locks, spreadsheet, sweeping
from . import training
from .storage_errors import as_os_errors, os_error_in
from .training import Recipe, TrainState

Row = dict[str, float]

COLUMNS = ("step", "loss", "accuracy", "held_out_loss", "held_out_accuracy")


_LEAST_COMPRESSED = 0.8  # of a checkpoint: weights hardly shrink


class TrainingError(ValueError):
    """What was asked for cannot be trained. The message is one line."""


@dataclasses.dataclass(frozen=True)
class Run:
    """A folder, and what is trained in it.

    Attributes:
        folder: the folder.
        recipe: what is trained.
        save_every: steps between training checkpoints, from which a killed run goes on.
        held_out_every: steps between looks at held-out sound, in addition to those at snapshots.
    """

    folder: pathlib.Path
    recipe: Recipe
    save_every: int = 200
    held_out_every: int = 500

    def snapshot(self, step: int) -> pathlib.Path:
        """The encoder after so many steps."""
        return self.folder / f"step-{step:06d}{SUFFIX}"

    @property
    def result(self) -> pathlib.Path:
        """The encoder after the last step, in half precision."""
        return self.folder / (self.folder.resolve().name + SUFFIX)

    @property
    def curve(self) -> pathlib.Path:
        """Loss and accuracy by step. Row s: of the sound of step s before its update; held out: after it."""
        return self.folder / "curve.csv"

    @property
    def checkpoints(self) -> pathlib.Path:
        """Training checkpoints, by orbax."""
        return self.folder / "checkpoints"


def train(run: Run, *, max_minutes: float | None = None) -> bool:
    """Trains until the last step of the recipe, or for so many minutes; goes on where the folder's run has stopped.

    Args:
        run: what, and where.
        max_minutes: None for no limit.

    Returns:
        Whether the last step was reached.

    Raises:
        TrainingError: the folder has another recipe's run; a recipe that cannot be trained.
        FloatingPointError: the loss is no longer finite.
        OSError: something cannot be written or read, such as on a full disk.
        KeyboardInterrupt: with what was kept, as its message.
    """
    started = time.monotonic()
    devices = jax.local_devices()
    try:
        run.recipe.check(num_devices=len(devices))
    except ValueError as error:
        raise TrainingError(str(error)) from None
    with locks.alone(run.folder / "run", label=run.folder.name):
        return _train_alone(run, devices, stop_at=_end(started, max_minutes))


def _train_alone(run: Run, devices: list[jax.Device], *, stop_at: float) -> bool:
    _claim(run)
    for unfinished in run.checkpoints.glob("*.orbax-checkpoint-tmp"):  # of a run that was killed, or had no room
        shutil.rmtree(unfinished, ignore_errors=True)
    mesh = training.mesh_of(devices)
    with ocp.CheckpointManager(
        run.checkpoints.absolute(),
        options=ocp.CheckpointManagerOptions(max_to_keep=2, enable_async_checkpointing=False),
    ) as manager:
        state, rows = _resumed(run, manager)
        state = training.replicated(state, mesh)
        try:
            state = _train(run, mesh, state, rows, manager, stop_at=stop_at)
        except KeyboardInterrupt:
            kept = manager.latest_step()
            raise KeyboardInterrupt(
                f"{kept} of {run.recipe.steps} steps are kept in {run.folder}" if kept else "no step is kept yet"
            ) from None
    return int(state.step) == run.recipe.steps


def _train(
    run: Run,
    mesh: jax.sharding.Mesh,
    state: TrainState,
    rows: list[Row],
    manager: ocp.CheckpointManager,
    *,
    stop_at: float,
) -> TrainState:
    """The state after the last step; `rows` grows by one per step."""
    recipe = run.recipe
    step = int(state.step)
    # The loss of a step is read when the next one has been given to the device, which then need not wait.
    unread: collections.deque[tuple[int, Outcome]] = collections.deque()

    def read(most_unread: int) -> None:
        while len(unread) > most_unread:
            number, outcome = unread.popleft()
            rows.append({"step": number, "loss": float(outcome.loss), "accuracy": float(outcome.accuracy)})
            _check_finite(number, rows[-1]["loss"])

    def look(state: TrainState) -> None:
        """Keeps the encoder, or looks at held-out sound, where this step is one for it."""
        last = step == recipe.steps
        snapshot = last or training.is_snapshot(step)
        if snapshot or step % run.held_out_every == 0:
            read(0)
            outcome = training.held_out(recipe, state.parameters)
            rows[-1] |= {"held_out_loss": float(outcome.loss), "held_out_accuracy": float(outcome.accuracy)}
            _check_finite(step, rows[-1]["held_out_loss"])
        if snapshot:
            _save_encoder(run, state, run.snapshot(step), dtype=np.float32)
        if last:
            _save_encoder(run, state, run.result, dtype=np.float16)
        if last or step % run.save_every == 0:
            read(0)
            _keep(run, manager, state, rows)

    if step == 0 and not rows:
        rows.append({"step": 0})
        look(state)
    with sweeping.progress_bar(run.folder.name, recipe.steps, initial=step, unit=" steps") as bar:
        while step < recipe.steps and time.monotonic() < stop_at:
            state, outcome = training.train_step(recipe, mesh, state)
            step += 1
            unread.append((step, outcome))
            read(1)
            look(state)
            _report(bar, recipe, rows)
        read(0)
        if manager.latest_step() != step:
            _keep(run, manager, state, rows)
    return state


def _check_finite(step: int, loss: float) -> None:
    if not np.isfinite(loss):
        raise FloatingPointError(f"step {step}: the loss is {loss}; lower --learning_rate")


def _report(bar: Any, recipe: Recipe, rows: Sequence[Row]) -> None:
    recent = [row for row in rows[-50:] if "loss" in row]
    if recent:
        loss, accuracy = (np.mean([row[name] for row in recent]) for name in ("loss", "accuracy"))
        bar.set_postfix_str(
            f"loss {loss:.3f}, accuracy {accuracy:.3f} (chance {1 / recipe.candidates:.4f}), "
            f"{recipe.batch_size} sounds a step",
            refresh=False,
        )
    bar.update(1)


def _end(started: float, max_minutes: float | None) -> float:
    return np.inf if max_minutes is None else started + 60 * max_minutes


def _claim(run: Run) -> None:
    """Writes the recipe into a new folder, or makes sure that it is the one of a folder with a run."""
    path = run.folder / "recipe.json"
    ours = json.loads(json.dumps(dataclasses.asdict(run.recipe)))
    if path.exists():
        try:
            recipe = json.loads(path.read_text(encoding="utf-8"))
            changed = [name for name in ours if recipe.get(name) != ours[name]]
        except (ValueError, AttributeError) as error:
            raise TrainingError(f"{path}: not a recipe ({error}); choose another --output_dir") from error
        if changed:
            difference = "; ".join(f"{name} was {recipe.get(name)!r}, is {ours[name]!r}" for name in changed)
            raise TrainingError(f"{run.folder} has a run of another recipe ({difference}); choose another --output_dir")
        return
    with files.atomic_path(path) as temporary:
        temporary.write_text(json.dumps(ours, indent=1) + "\n", encoding="utf-8")


def _resumed(run: Run, manager: ocp.CheckpointManager) -> tuple[TrainState, list[Row]]:
    """The last training checkpoint that can be read, and the curve up to it; the beginning where there is none."""
    state = training.initial_state(run.recipe)
    target = ocp.args.StandardRestore(jax.tree.map(ocp.utils.to_shape_dtype_struct, state))
    for step in sorted(manager.all_steps(), reverse=True):
        try:
            kept = manager.restore(step, args=target)
            rows = read_curve(run.curve)
            if len(rows) <= step:
                raise ValueError(f"{run.curve} has {len(rows)} rows")
        except (ValueError, OSError, KeyError) as error:
            told = os_error_in(error)
            if told is not None and told.errno != errno.ENOENT:  # it cannot be read now, which is not to say damaged
                raise OSError(
                    f"{told.filename or run.checkpoints / str(step)}: it cannot be read ({told.strerror}), so nothing "
                    "was changed: put that right and run the same command again to go on"
                ) from error
            print(f"checkpoint of step {step}: not used ({str(error).splitlines()[0]})")
            shutil.rmtree(run.checkpoints / str(step), ignore_errors=True)
            manager.reload()
            continue
        print(f"going on from step {step} in {run.folder}")
        return kept, rows[: step + 1]
    return state, []


def _keep(run: Run, manager: ocp.CheckpointManager, state: TrainState, rows: Sequence[Row]) -> None:
    """The curve first: a checkpoint is of use only with the curve up to it."""
    text = spreadsheet.csv_text(COLUMNS, ([row.get(name, "") for name in COLUMNS] for row in rows))
    with files.atomic_path(run.curve) as temporary:
        temporary.write_text(text, encoding="utf-8")
    needed = _LEAST_COMPRESSED * sum(leaf.nbytes for leaf in jax.tree.leaves(state))
    if shutil.disk_usage(run.folder).free < needed:  # orbax would find out half-way
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(run.checkpoints))
    with as_os_errors():
        manager.save(int(state.step), args=ocp.args.StandardSave(state))
        manager.wait_until_finished()


def read_curve(path: pathlib.Path) -> list[Row]:
    """Rows of a `Run.curve`, one per step from 0. Raises `ValueError` where it is damaged."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            {name: float(value) if name != "step" else int(value) for name, value in row.items() if value}
            for row in csv.DictReader(file)
        ]
    if [row.get("step") for row in rows] != list(range(len(rows))):
        raise ValueError(f"{path} is damaged: its rows are not steps 0, 1, 2, ...")
    return rows


def _save_encoder(run: Run, state: TrainState, path: pathlib.Path, *, dtype: type) -> None:
    recipe = run.recipe
    source = source_of_pretraining(
        f"contrastive predictive coding on synthesised speech-like sound, seed {recipe.seed}, "
        f"step {int(state.step)} of {recipe.steps}, {recipe.batch_size} x {recipe.seconds:g} s a step"
    )
    encoder = training.trained_encoder(recipe, state.parameters)
    save_encoder(encoder, path, provenance=Provenance(source=source), dtype=dtype)


def draw_curve(run: Run, rows: Sequence[Row]) -> figures.Figure:
    """Loss and accuracy by step, of the sound of training and of held-out sound."""
    figure, axes = figures.panels(2, size=(5, 3.6), columns=2)
    smooth = max(1, len(rows) // 200)
    chance = run.recipe.candidates
    for panel, name, level in ((axes[0], "loss", np.log(chance)), (axes[1], "accuracy", 1 / chance)):
        steps, values = np.array([(row["step"], row[name]) for row in rows if name in row]).T
        windows = len(values) // smooth
        panel.plot(
            steps[: windows * smooth].reshape(windows, smooth).mean(1),
            values[: windows * smooth].reshape(windows, smooth).mean(1),
            color=figures.GREY,
            label=f"training sound (mean of {smooth} steps)" if smooth > 1 else "training sound",
        )
        held_out = np.array([(row["step"], row[f"held_out_{name}"]) for row in rows if f"held_out_{name}" in row]).T
        panel.plot(*held_out, "o-", color=figures.BLUE, markersize=3, label="held-out sound")
        panel.axhline(level, color=figures.ORANGE, linestyle="--", label=f"chance, 1 in {chance}")
        panel.set(xlabel="training step", ylabel={"loss": "loss (nats)"}.get(name, name))
        panel.set_xscale("symlog", linthresh=1)
        panel.set_xlim(0, rows[-1]["step"])
    axes[0].legend(frameon=False)
    return figure
