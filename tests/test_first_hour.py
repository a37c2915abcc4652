"""The pages of the first hour run from top to bottom, in a fresh folder.

Commands, files and R stand on the page in fenced blocks. With `--size=smoke` in place of `--quick` and tiny encoders in
place of the bundled ones, so that each takes seconds; `AS_IT_STANDS=1 make pages` runs them as they stand.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import checkpoints
import hub_server
import pytest
import smoke_run
from pages import ROOT, UMAP, text_of

pytestmark = pytest.mark.pages

AS_IT_STANDS = bool(os.environ.get("AS_IT_STANDS"))
_BLOCK = re.compile(r'^```(\w+)(?: title="([^"\n]+)")?\n(.*?)^```', flags=re.MULTILINE | re.DOTALL)
_RESULTS = re.compile(r"`((?:results|weights)/[\w./-]+)`")


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    """A folder as a clone is to the commands of the pages, with a hub that has two small models."""
    (tmp_path / "clone/weights").mkdir(parents=True)
    (tmp_path / "clone/examples").symlink_to(ROOT / "examples")
    for seed, path in enumerate(sorted((ROOT / "weights").glob("formant-base*.safetensors"))):
        if AS_IT_STANDS:
            (tmp_path / "clone/weights" / path.name).symlink_to(path)
        else:
            smoke_run.save_tiny(tmp_path / "clone/weights" / path.name, seed=seed, source="tiny")
    programs = {"w2v-jax": "-m w2v_jax.experiments", "python": ""}
    for name, arguments in programs.items():
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        program.chmod(0o755)
    (tmp_path / "stand-in").mkdir()
    if not AS_IT_STANDS:
        (tmp_path / "stand-in/umap.py").write_text(UMAP)
    return tmp_path / "clone"


def run(page: str, folder: pathlib.Path, **environment: str) -> None:
    """Writes the page's files and runs its commands, in order."""
    home = folder.parent
    paths = {"PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    paths["PYTHONPATH"] = os.pathsep.join(map(str, (home / "stand-in", ROOT)))
    text = text_of(page) if AS_IT_STANDS else smaller(text_of(page))
    for kind, title, source in _BLOCK.findall(text):
        if title:
            (folder / title).write_text(source, encoding="utf-8")
            continue
        program = {"sh": ["bash", "-e"], "r": ["Rscript", "-"], "python": [sys.executable, "-"]}.get(kind)
        if program is None or shutil.which(program[0]) is None:
            continue
        done = subprocess.run(
            program,
            input=source,
            cwd=folder,
            env=os.environ | paths | environment,
            capture_output=True,
            text=True,
            timeout=3_000,
            check=False,
        )
        print(source, done.stdout, sep="\n")
        assert done.returncode == 0, f"{source}\n{done.stderr}"
    for path in _RESULTS.findall(text):
        assert (folder / path).exists(), path


def smaller(text: str) -> str:
    """The same commands with few sounds; those of claims and emergence, with sums of sines and two trainings only."""
    text = re.sub(
        r"^(w2v-jax (?:claims|emergence)) --quick(?!.*--synthesis)",
        r"\1 --quick --synthesis=sines",
        text,
        flags=re.MULTILINE,
    )
    text = text.replace("formant-base-1+formant-base-2", "formant-base-1")
    return text.replace("--quick", "--size=smoke").replace("/quick", "/smoke")


def test_a_phonetician(folder):
    run("first_hour_phonetics.md", folder)


def test_someone_with_checkpoints(folder):
    pytest.importorskip("huggingface_hub")
    config, state = checkpoints.config_json(checkpoints.STANDARD), checkpoints.state_dict(checkpoints.STANDARD)
    with hub_server.serving() as server:
        for name in re.findall(r"\b(?:facebook|microsoft)/[\w-]+", text_of("first_hour_checkpoints.md")):
            server.folders[name] = folder.parent / name
            server.folders[name].mkdir(parents=True, exist_ok=True)
            (server.folders[name] / "config.json").write_text(config)
            checkpoints.save_safetensors(server.folders[name] / "model.safetensors", state)
        run(
            "first_hour_checkpoints.md",
            folder,
            HF_ENDPOINT=server.endpoint,
            W2V_JAX_HOME=str(folder.parent / "home"),
        )
