"""Packages that only some uses need: an extra of the installation brings them."""

import importlib
import types


def package(name: str, *, what: str, extra: str, error: type[Exception]) -> types.ModuleType:
    """An optional package.

    Args:
        name: as it is imported.
        what: what needs it, and its name, for the message.
        extra: what of w2v_jax is installed with it.
        error: what is raised where it cannot be imported.
    """
    try:
        return importlib.import_module(name)
    except ImportError as missing:
        raise error(f"{what} ({missing}); install it with: pip install 'w2v_jax[{extra}]'") from missing
