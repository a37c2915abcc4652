"""A few mutants of every format; `make fuzz` tries more."""

import fuzz
import pytest


@pytest.mark.parametrize("name", fuzz.FORMATS)
def test_damaged_files_do_no_harm(name):
    counts, faults = fuzz.run([name], first=1, count=25)
    assert faults == []
    assert counts[name]["refused"] > 12  # they are damaged indeed
