"""Other people's checkpoints in: one function, and the command `python -m w2v_jax.convert`.

Its modules, and what each hands on:

    paths_and_ids                                                       from a path, or from an id of the hub, its place
    conversion                                                          from a place to a weight file, by way of
    sources -> sniff -> safetensors_file | torch_archive (unpickle)     tensors by name, still in the file (arrays)
            -> layouts, with huggingface | fairseq for the config       the encoder's tensors, named as ours
            -> _src.weight_file.write_tensors                           our weight file

`w2v_jax.hub` stands on `conversion`, and `paths_and_ids` on `w2v_jax.hub`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from w2v_jax.convert.conversion import Conversion
    from w2v_jax.convert.paths_and_ids import convert_checkpoint

__all__ = ["Conversion", "convert_checkpoint"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'w2v_jax.convert' has no attribute {name!r}")
    from w2v_jax.convert import paths_and_ids  # when it is used: the command's help needs no JAX

    return getattr(paths_and_ids, name)
