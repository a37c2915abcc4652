"""The second start of an experiment compiles nothing."""

import collections
import json
import pathlib

import jax
import pytest
from processes import program, save_tiny

from experiments.launch import compilation_cache
from experiments.temporal import measuring
from w2v_jax.grids import STATIONARITY


def sweep_and_measure(front_ends, results):
    """What an experiment does with JAX; prints how often JAX has looked into its cache, and what it found."""
    events = collections.Counter()
    jax.monitoring.register_event_listener(lambda event, **_: events.update([event.rpartition("/")[2]]))
    (tiny,) = front_ends
    frames = results.sweep("temporal", tiny, STATIONARITY, measuring.tone, pooling="none")
    measuring.measure_stationarity(frames)
    print(json.dumps(events))


@pytest.fixture
def start(tmp_path):
    weights = save_tiny(tmp_path / "tiny.safetensors")

    def start(name: str, cache: pathlib.Path | str) -> tuple[dict[str, int], bytes]:
        log = tmp_path / f"{name}.log"
        options = (f"--encoders={weights}", f"--output_dir={tmp_path / name}", f"--compilation_cache_dir={cache}")
        process = program(sweep_and_measure, log, *options)
        process.join(60)
        assert process.exitcode == 0, log.read_text()
        (said,) = (line for line in log.read_text().splitlines() if line.startswith("{"))
        return json.loads(said), next((tmp_path / name).rglob("*.tiny.*")).read_bytes()

    return start


def test_second_start_compiles_nothing(start, tmp_path):
    cold, features = start("cold", tmp_path / "cache")
    assert cold["cache_misses"] > 1
    warm, same_features = start("warm", tmp_path / "cache")
    assert "cache_misses" not in warm
    assert warm["cache_hits"] == cold["cache_misses"]
    assert same_features == features


def test_no_cache_where_none_is_wanted_or_to_be_had(start, tmp_path):
    assert "cache_misses" not in start("without", "")[0]
    (tmp_path / "file").touch()
    assert "cache_misses" not in start("unusable", tmp_path / "file" / "cache")[0]


def test_where_jax_has_been_told_to():
    before = jax.config.jax_compilation_cache_dir
    try:
        jax.config.update("jax_compilation_cache_dir", "of/jax")
        compilation_cache.switch_on(None)
        assert jax.config.jax_compilation_cache_dir == "of/jax"
    finally:
        jax.config.update("jax_compilation_cache_dir", before)


def test_default_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert compilation_cache.default_folder() == tmp_path / "w2v_jax"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/invalid")
    assert compilation_cache.default_folder() == pathlib.Path.home() / ".cache/w2v_jax"
