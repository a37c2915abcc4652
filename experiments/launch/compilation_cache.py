"""What a program has compiled, kept for the next time that it is started."""

import os
import pathlib

import jax

from ..store import buckets


def default_folder() -> pathlib.Path:
    """`w2v_jax` in the user's cache folder."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    return (pathlib.Path(root) if pathlib.Path(root).is_absolute() else pathlib.Path.home() / ".cache") / "w2v_jax"


def switch_on(folder: str | None) -> None:
    """Keeps everything that is compiled from now on in `folder`.

    None: where JAX has been told to (`JAX_COMPILATION_CACHE_DIR`), else in the default one; empty: nowhere. A folder
    that cannot be written is not used: it would save time, and is not worth a failure.
    """
    if folder is None and jax.config.jax_compilation_cache_dir:  # type: ignore[attr-defined, unused-ignore]
        return
    jax.config.update("jax_compilation_cache_dir", None)
    if folder == "":
        return
    if folder is not None and buckets.is_url(folder):
        jax.config.update("jax_compilation_cache_dir", folder)  # JAX opens buckets itself
    else:
        path = default_folder() if folder is None else pathlib.Path(folder)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError:
            return
        if not os.access(path, os.W_OK):
            return
        jax.config.update("jax_compilation_cache_dir", str(path.absolute()))
    # However small: the many small programs of measurements take longer to compile than the large one.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
