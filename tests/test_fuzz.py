"""A few mutants of every format; `make fuzz` tries more."""

import fuzz
import fuzz_recordings
import pytest


@pytest.mark.parametrize("name", fuzz.FORMATS)
def test_damaged_files_do_no_harm(name):
    counts, faults = fuzz.run([name], first=1, count=25)
    assert faults == []
    least = 1 if name in fuzz_recordings.FORMATS else 13  # they are damaged indeed, though sound may change unseen
    assert counts[name]["refused"] >= least
