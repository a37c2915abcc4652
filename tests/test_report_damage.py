"""The page of results that are damaged, or somebody else's: it says what it lacks, and has no file from elsewhere."""

import datetime
import itertools
import json
import os
import re
import socket

import numpy as np
import pytest
from finished_results import RECORD, USUAL, measurements, write_results
from safetensors.numpy import save_file

from experiments.page import features_csv, page
from experiments.page import folder as folders
from experiments.page.folder import ReportError

NOW = datetime.datetime(2026, 1, 2, 3, 4)
OTHERS = (None, "text", -1, True, [], {}, [[]], float("nan"), float("inf"), 10**400)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "_vega", lambda: "")  # megabytes, the same for all
    return write_results(tmp_path / "r", measurements(USUAL))


def read(path):
    return folders.read(path, own=[RECORD])


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


def test_one_value_of_metrics_changed(folder):
    """Each is refused in a line, or is a text or a number like any other: nothing ends in a traceback."""
    path = folder / "pitch/metrics.json"
    text = path.read_text()
    assert page.page(read(folder), now=NOW).lacks == ()
    others = itertools.cycle(OTHERS)
    refused = []
    for place in places(json.loads(text)):
        for gone in (True, False):
            path.write_text(changed(text, place, next(others), gone=gone))
            try:
                made = page.page(read(folder), now=NOW)
            except ReportError as error:
                refused.append(str(error))
            else:
                assert not re.search(r"<td[^>]*>(None|nan|inf)\b", made.html)
    assert len(refused) > 50
    for line in refused:
        assert line.isprintable()
        assert "pitch/metrics.json" in line or "has no results of any encoder" in line


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
    (folder / "pitch/tones.ours.map.csv").write_bytes(content)
    made = page.page(read(folder), now=NOW)
    (line,) = made.lacks
    assert line.startswith(f"{folder / 'pitch/tones.ours.map.csv'}: ")
    assert message in line
    assert "Each point is a tone." not in made.html


def test_files_from_elsewhere_stay_there(folder, tmp_path):
    private = tmp_path / "private.csv"
    private.write_text("frequency,x,y\n1,2,3\nsecret,4,5\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/metrics.json").write_text((folder / "pitch/metrics.json").read_text())
    there = folder / "pitch"
    (there / "x.csv").symlink_to(private)
    (there / "order.ours.svg").symlink_to(private)
    (there / "tones.ours.map.csv").symlink_to(private)
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
    assert "pitch/good.csv" in made.html
    assert "pitch/inside.csv" in made.html
    assert "being written" not in made.html
    assert {line.split(" is left out: ")[0] for line in made.lacks} == {
        f"pitch/{name}"
        for name in (
            "order.ours.svg",
            "clips.safetensors",
            "folder.csv",
            "gone.csv",
            "loop.csv",
            "null.csv",
            "pipe.csv",
        )
    } | {"pitch/tones.ours.map.csv", "pitch/socket.csv", "pitch/two\\nlines.csv", "pitch/x.csv"}
    assert all(line in made.html for line in made.lacks)


def test_metrics_from_elsewhere_are_refused(folder, tmp_path):
    (folder / "pitch").rename(tmp_path / "elsewhere")
    (folder / "pitch").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ReportError, match=r"pitch/metrics\.json: it is, or lies in, a link out of the folder"):
        read(folder)
    (folder / "pitch").unlink()
    (folder / "pitch").mkdir()
    os.mkfifo(folder / "pitch/metrics.json")
    with pytest.raises(ReportError, match=r"pitch/metrics\.json: it is not a file with an end"):
        read(folder)


def test_a_link_to_the_results_themselves_is_followed(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    assert page.page(read(tmp_path / "link"), now=NOW).lacks == ()


def test_features_of_elsewhere_are_not_written_out(folder, tmp_path):
    save_file({"features": np.zeros((2, 3), np.float32)}, tmp_path / "private.safetensors")
    (folder / "pitch/tones.ours.safetensors").symlink_to(tmp_path / "private.safetensors")
    assert features_csv.write_all(folder) == []
