"""Other people's checkpoints in: one function, and the command `python -m w2v_jax.convert`.

Its modules, and what each hands on:

    sources -> sniff -> safetensors_file | torch_archive (unpickle)     tensors by name, still in the file (arrays)
            -> layouts, with huggingface | fairseq for the config       the encoder's tensors, named as ours
            -> checkpoint.write_tensors                                 our weight file
"""

from w2v_jax.convert.conversion import Conversion, convert_checkpoint

__all__ = ["Conversion", "convert_checkpoint"]
