"""What a file is, from its first bytes and never from its name."""

import enum
import json

from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.quoting import quote
from w2v_jax.convert.places import Place

_HEAD_BYTES = 1024
_MOST_JSON_BYTES = 64 * 2**20
# The safetensors library itself refuses longer headers.
_MOST_HEADER_BYTES = 100_000_000

_EXPECTED = "expected a safetensors file or one written by torch.save"
_SAVE = "torch.save(model.state_dict(), FILE)"
_FOREIGN = {
    b"\x89HDF\r\n\x1a\n": (
        "an HDF5 file (TensorFlow or Keras weights; in transformers below 5, AutoModel.from_pretrained(FOLDER, "
        "from_tf=True).save_pretrained(OTHER))"
    ),
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"\x93NUMPY": "a NumPy array",
    b"GGUF": f"a GGUF file, which has no PyTorch names; take the model that it was made of, and there {_SAVE}",
    b"RIFF": "a RIFF (sound or image) file",
}


class Kind(enum.Enum):
    """The kinds of file that conversion can start from."""

    SAFETENSORS = "safetensors"
    TORCH_ZIP = "PyTorch archive"
    TORCH_LEGACY = "PyTorch legacy archive"
    MSGPACK = "Flax msgpack"
    INDEX = "index of a sharded checkpoint"
    CONFIG = "configuration of a Hugging Face model"


def sniff(path: Place) -> Kind:
    """The kind of the file at `path`.

    Raises:
        CheckpointError: it is none of them; the message says what it is instead.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise CheckpointError(f"{path}: the file is empty; {_EXPECTED}: download it again")
    # First, for its first 8 bytes are a number, which may look like another format's magic; the reverse cannot be.
    if len(head) > 8 and head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= _MOST_HEADER_BYTES:
        return Kind.SAFETENSORS
    if head.startswith(b"PK\x03\x04"):
        return Kind.TORCH_ZIP
    if head[257:262] == b"ustar":
        raise CheckpointError(
            f"{path}: a tar archive (PyTorch before 0.1.10 saved so); {_EXPECTED} since: save it again with that"
        )
    # The first thing in a legacy archive is a pickle, protocol 2 or later, of PyTorch's magic number.
    if len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5:
        return Kind.TORCH_LEGACY
    # A msgpack map whose first key is text.
    at = {0xDE: 3, 0xDF: 5}.get(head[0], 1 if 0x81 <= head[0] <= 0x8F else 0)
    if at and len(head) > at and (0xA1 <= head[at] <= 0xBF or head[at] == 0xD9):
        return Kind.MSGPACK
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise CheckpointError(f"{path}: {what}; {_EXPECTED}")
    if head[0] == 0x08 and (b"pytorch" in head or b"onnx" in head):
        raise CheckpointError(
            f"{path}: an ONNX file, whose names are not the model's; take the model that it was made of: {_SAVE}"
        )
    text = _as_text(head)
    if text is None:
        raise CheckpointError(
            f"{path}: not a checkpoint ({size} bytes that start with {head[:8].hex(' ')}); {_EXPECTED}"
        )
    return _sniff_text(path, text, size)


def read_json(path: Place) -> dict:
    """The JSON object in a file. Raises `CheckpointError` when it is not one."""
    if path.stat().st_size > _MOST_JSON_BYTES:
        raise CheckpointError(f"{path}: {path.stat().st_size} bytes; expected a small JSON file")
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: not valid JSON ({quote(error)}); expected a JSON object") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path}: a JSON {type(content).__name__}; expected a JSON object")
    return content


def _as_text(head: bytes) -> str | None:
    # A character may be cut in two where the head ends.
    text = head.decode("utf-8", errors="ignore")
    if len(text.encode()) < len(head) - 3 or any(ord(c) < 32 and c not in "\t\n\r\f\x1b" for c in text):
        return None
    return text.removeprefix("\ufeff")


def _sniff_text(path: Place, text: str, size: int) -> Kind:
    start = text.lstrip()
    if start.startswith("version https://git-lfs"):
        raise CheckpointError(
            f"{path}: a git-LFS pointer, not the file that it stands for; {_EXPECTED}: run `git lfs pull` there, "
            "or download the file itself"
        )
    if start[:14].lower() == "<!doctype html" or start[:5].lower() in ("<html", "<?xml", "<head"):
        raise CheckpointError(
            f"{path}: a web page, not a checkpoint (an error page saved under its name?); {_EXPECTED}: download again"
        )
    if start.startswith("{"):
        content = read_json(path)
        if "weight_map" in content:
            return Kind.INDEX
        if "model_type" in content:
            return Kind.CONFIG
        raise CheckpointError(f"{path}: a JSON file that starts with {quote(start, 60)!r}; {_EXPECTED}")
    raise CheckpointError(f"{path}: a text file of {size} bytes that starts with {quote(start, 60)!r}; {_EXPECTED}")
