"""Reading a safetensors file: its header, and then only the tensors that are asked for.

It is read here rather than by the library because the encoder is a small part of a large file, may be bfloat16, which
NumPy lacks, and because whatever is wrong with the file should be said in one line of ours.
"""

from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.safetensors_header import HeaderError, read_header
from w2v_jax._src.weight_file import FORMAT
from w2v_jax.convert.arrays import Run, StoredArray, contiguous_strides
from w2v_jax.convert.places import Place

_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


def open_safetensors(path: Place) -> dict[str, StoredArray]:
    """The tensors of a safetensors file, none of them read yet.

    Raises:
        CheckpointError: truncated or damaged, or already one of ours.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            header = read_header(file, size)
    except HeaderError as error:
        raise CheckpointError(f"{path}: {error}: download it again") from error
    if header.metadata.get("format") == FORMAT:
        raise CheckpointError(
            f"{path}: already converted (a weight file of w2v_jax); expected a checkpoint of another tool: "
            "load it with w2v_jax.load_encoder, or copy it"
        )
    arrays = {}
    for name, tensor in header.tensors.items():
        shape, strides = tensor.shape, contiguous_strides(tensor.shape)
        if header.metadata.get("format") == "mlx" and len(shape) == 3:
            # A convolution of MLX: (out_channels, kernel_size, in_channels). Here all have PyTorch's order.
            shape, strides = ((axes[0], axes[2], axes[1]) for axes in (shape, strides))
        arrays[name] = StoredArray(
            path=path,
            run=Run(tensor.start, tensor.nbytes),
            dtype=_DTYPES.get(tensor.dtype, tensor.dtype),
            shape=shape,
            strides=strides,
        )
    # Tensors that share their numbers are stored once; the metadata names the others, and the one stored.
    for twin, stored in header.metadata.items():
        if stored in arrays and twin not in arrays:
            arrays[twin] = arrays[stored]
    return arrays
