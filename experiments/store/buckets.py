"""Results in a bucket: `--output_dir=gs://BUCKET/FOLDER`, through etils.epath, as JAX and Orbax do it themselves."""

import importlib
import pathlib
import uuid
from typing import Any, cast

# By scheme, the package that knows it, and the extra of ours that brings it, if one does.
_NEEDED = {
    "gs": ("gcsfs", "pip install 'w2v_jax[gs]'"),
    "s3": ("s3fs", "pip install 'w2v_jax[s3]'"),
    "az": ("adlfs", "pip install adlfs"),
}


def is_url(name: str) -> bool:
    """Whether it names no folder of this machine."""
    return "://" in name


def path_of(url: str) -> pathlib.Path:
    """A bucket's folder, with the methods of a path.

    Raises:
        NotADirectoryError: a scheme that is not known, no bucket, or a package that is missing; one line.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in _NEEDED or not rest.strip("/"):
        raise NotADirectoryError(f"{url}: expected a folder, or {'://, '.join(_NEEDED)}:// with a bucket")
    package, remedy = _NEEDED[scheme]
    try:
        epath = importlib.import_module("etils.epath")
        epath.backend.fsspec_backend.fs(url)
    except ImportError as error:
        raise NotADirectoryError(f"{url}: needs the package {package} ({error}); install it with: {remedy}") from error
    return cast(pathlib.Path, epath.Path(url))


def signature(path: pathlib.Path) -> str | None:
    """Changes when a file in a bucket is replaced; None where there is none. Nothing of the file itself is read."""
    system = importlib.import_module("etils.epath").backend.fsspec_backend.fs(path)
    system.invalidate_cache()  # what was listed before the other process put it there
    try:
        return str(system.ukey(str(path)))
    except FileNotFoundError:
        return None
    except OSError:
        raise
    except Exception as error:  # of the bucket's own package: no two have the same
        raise OSError(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}") from error


def check(folder: pathlib.Path, *, named: str) -> None:
    """Raises `PermissionError` where nothing can be written into a bucket's folder, before any work is done."""
    probe = folder / f".writable-{uuid.uuid4().hex}"
    try:
        probe.write_bytes(b"")
        cast(Any, probe).unlink()
    except Exception as error:  # of the bucket's own package: no two have the same
        said = " ".join(str(error).split())
        raise PermissionError(f"{named} cannot be written ({type(error).__name__}: {said[:200]})") from error
