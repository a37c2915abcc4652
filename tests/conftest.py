"""What several test files share."""

import pytest
from processes import SweepProcess, save_tiny

# Files that take longest go first: whole files are shared between processes, and the last one should be short.
_SLOWEST = ("experiments", "pretrain", "claims", "resume", "readme", "devices", "projection", "emergence", "layers")


def pytest_collection_modifyitems(items):
    rank = {f"test_{name}": place for place, name in enumerate(_SLOWEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """The weight file of a tiny encoder."""
    return save_tiny(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture(scope="session")
def undisturbed(weights, tmp_path_factory):
    """The file of a `SweepProcess` that nothing happened to, byte for byte."""
    process = SweepProcess(weights, tmp_path_factory.mktemp("undisturbed"))
    assert process.join() == 0, process.said
    return (process.output / "tones.safetensors").read_bytes()
