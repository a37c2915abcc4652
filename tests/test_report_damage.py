"""The page of results that are damaged, or somebody else's: it says what it lacks, and has no file from elsewhere."""

import datetime
import itertools
import json
import os
import shutil
import socket

import numpy as np
import pytest
from finished_results import everything_finished
from safetensors.numpy import save_file

from experiments.page import features_csv, page
from experiments.page.finished import EXPERIMENTS, ReportError, read

PAPERS = ("temporal", "f0", "formants")
NOW = datetime.datetime(2026, 1, 2, 3, 4)
OTHERS = (None, "text", -1, True, [], {}, [[]], float("nan"), float("inf"), 10**400)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "_vega", lambda: "")  # megabytes, the same for all
    return everything_finished(tmp_path / "r")


def places(tree, path=()):
    """Where the values of a tree are; of a list, the first two."""
    for key in tree if isinstance(tree, dict) else range(len(tree))[:2]:
        yield (*path, key)
        if isinstance(tree[key], dict | list):
            yield from places(tree[key], (*path, key))


def changed(text, place, value, *, gone):
    """The tree with another value at a place, or none."""
    tree = json.loads(text)
    node = tree
    for key in place[:-1]:
        node = node[key]
    if gone:
        del node[place[-1]]
    else:
        node[place[-1]] = value
    return json.dumps(tree)


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_one_value_of_any_metrics_changed(folder, experiment):
    path = folder / experiment / "metrics.json"
    text = path.read_text()
    assert page.page(read(folder), now=NOW).lacks == ()
    for each in set(EXPERIMENTS) - {experiment, *(PAPERS if experiment in PAPERS else ())}:
        shutil.rmtree(folder / each)
    others = itertools.cycle(OTHERS)
    said = []
    for place in places(json.loads(text)):
        for gone in (True, False):
            path.write_text(changed(text, place, next(others), gone=gone))
            try:
                said += page.page(read(folder), now=NOW).lacks
            except ReportError as error:
                said.append(str(error))
    assert len(said) > 5
    for line in said:
        assert line.isprintable()
        assert f"{experiment}/metrics.json" in line or line.startswith("the paper's numbers next to ours is not here")


@pytest.mark.parametrize("value", [float("nan"), None, "0.7", True])
def test_a_number_that_is_none_is_named_and_never_shown(folder, value):
    path = folder / "amplitude/metrics.json"
    metrics = json.loads(path.read_text())
    metrics["encoders"]["ours"]["mean_adjacent_distance"]["amplitude_low"] = value
    path.write_text(json.dumps(metrics))
    made = page.page(read(folder), now=NOW)
    (said, *_) = (line for line in made.lacks if line.startswith("a number of ours is not here"))
    assert "amplitude/metrics.json has an entry of another kind than expected" in said
    assert all(line.replace("'", "&#39;") in made.html for line in made.lacks)
    assert "0.4 " in made.html  # the other's is there


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"frequency,x,y\n", "it has no rows"),
        (b"frequency,x,y\n1,\xff,2\n", "it cannot be read ('utf-8' codec"),
        (b"frequency,x,y\n1," + b"9" * 200_000 + b",2\n", "field larger than field limit (131072)"),
        (b"frequency,x,y\n1,2\n", "its rows differ in length"),
        (b"frequency,x,y\n,1,2\n", "an empty cell in column 'frequency'"),
        (b"frequency,x,y\n1,inf,2\n", "it has 'inf' where a number is expected"),
        (b"frequency,x\n1,2\n", "it has no column 'y'"),
    ],
)
def test_a_table_that_is_none(folder, content, message):
    (folder / "f0/pure_tones.ours.map.csv").write_bytes(content)
    made = page.page(read(folder), now=NOW)
    (line,) = made.lacks
    assert line.startswith(f"{folder / 'f0/pure_tones.ours.map.csv'}: ")
    assert message in line
    assert "Pure tones" not in made.html.partition('id="f0"')[2].partition('id="formants"')[0]


def test_files_from_elsewhere_stay_there(folder, tmp_path):
    private = tmp_path / "private.csv"
    private.write_text("frequency,x,y\n1,2,3\nsecret,4,5\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/metrics.json").write_text((folder / "f0/metrics.json").read_text())
    there = folder / "f0"
    (there / "x.csv").symlink_to(private)
    (there / "bias.ours.svg").symlink_to(private)
    (there / "pure_tones.ours.map.csv").symlink_to(private)
    (there / "clips.safetensors").symlink_to(private)
    (there / "null.csv").symlink_to("/dev/zero")
    (there / "gone.csv").symlink_to("nowhere")
    (there / "loop.csv").symlink_to("loop.csv")
    (there / ".being written.csv").write_text("a\n1\n")
    os.mkfifo(there / "pipe.csv")
    (there / "folder.csv").mkdir()
    (there / "two\nlines.csv").write_text("a\n1\n")
    (there / "good.csv").write_text("a\n1\n")
    (there / "inside.csv").symlink_to("good.csv")
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(there)  # a socket's path must be short
        listening.bind("socket.csv")
        made = page.page(read(folder), now=NOW)
    assert "secret" not in made.html
    assert "f0/good.csv" in made.html
    assert "f0/inside.csv" in made.html
    assert "being written" not in made.html
    assert {line.split(" is left out: ")[0] for line in made.lacks} == {
        f"f0/{name}"
        for name in ("bias.ours.svg", "clips.safetensors", "folder.csv", "gone.csv", "loop.csv", "null.csv", "pipe.csv")
    } | {"f0/pure_tones.ours.map.csv", "f0/socket.csv", "f0/two\\nlines.csv", "f0/x.csv"}
    assert all(line in made.html for line in made.lacks)


def test_metrics_from_elsewhere_are_refused(folder, tmp_path):
    (folder / "f0").rename(tmp_path / "elsewhere")
    (folder / "f0").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ReportError, match=r"f0/metrics\.json: it is, or lies in, a link out of the folder"):
        read(folder)
    (folder / "f0").unlink()
    (folder / "f0").mkdir()
    os.mkfifo(folder / "f0/metrics.json")
    with pytest.raises(ReportError, match=r"f0/metrics\.json: it is not a file with an end"):
        read(folder)


def test_a_link_to_the_results_themselves_is_followed(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    assert page.page(read(tmp_path / "link"), now=NOW).lacks == ()


def test_features_of_elsewhere_are_not_written_out(folder, tmp_path):
    save_file({"features": np.zeros((2, 3), np.float32)}, tmp_path / "private.safetensors")
    (folder / "f0/tones.ours.safetensors").symlink_to(tmp_path / "private.safetensors")
    assert features_csv.write_all(folder) == []


def test_names_that_windows_refuses(folder):
    """Files under safe names, and under those that an earlier version gave them."""
    path = folder / "f0/metrics.json"
    metrics = json.loads(path.read_text())
    metrics["encoders"]["m:make"] = metrics["encoders"]["ours"]
    path.write_text(json.dumps(metrics))
    for name in ("m:make", "m-make"):
        (folder / f"f0/bias.{name}.svg").write_text("<svg/>")
        html = page.page(read(folder), now=NOW).html
        assert f'data-file="f0/bias.{name}.svg"' in html
        (folder / f"f0/bias.{name}.svg").unlink()
