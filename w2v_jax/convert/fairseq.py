"""Checkpoints of fairseq: the settings of the model, as it pickled them.

Facts are from fairseq's models/wav2vec/wav2vec2.py, wav2vec2_asr.py, models/hubert and checkpoint_utils.py.
Old files have `args`, an argparse.Namespace; newer ones `cfg`, nested, whose `model` part is meant (WavLM's own
release has a flat `cfg`). A fine-tuned model keeps the settings of the pretrained one inside its own, as `w2v_args`.
"""

import ast
from typing import Literal

from w2v_jax.checkpoint import CheckpointError
from w2v_jax.convert.arrays import quote
from w2v_jax.convert.unpickle import Inert
from w2v_jax.encoder import EncoderConfig

_DEFAULT_LAYERS = "[(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512,2,2)] + [(512,2,2)]"
_MODES: dict[str, Literal["group", "layer"]] = {"default": "group", "layer_norm": "layer"}
_MOST_CHARACTERS = 10_000
_MOST_LAYERS = 100
_MOST_NUMBER = 10**6
_MOST_NESTING = 8
_Value = int | list | tuple  # of a layer list, or a part of it


def read_config(contents: object, *, origin: str) -> EncoderConfig | None:
    """The encoder's architecture, from what a fairseq checkpoint holds besides tensors.

    Args:
        contents: the unpickled checkpoint.
        origin: the file, for the messages.

    Returns:
        The config; None when the checkpoint has no settings, or only those of fine-tuning, which do not
        say all about the encoder.

    Raises:
        CheckpointError: settings that cannot be understood.
    """
    settings = _model_settings(contents)
    if settings is None:
        return None
    text = _value(settings.get("conv_feature_layers", _DEFAULT_LAYERS))
    try:
        layers = parse_layers(text) if isinstance(text, str) else _check_layers(_plain_layers(text))
        mode = _value(settings.get("extractor_mode", "default"))
        if not isinstance(mode, str) or mode not in _MODES:
            raise ValueError(f"extractor_mode is {quote(_describe(mode), 60)!r}; expected default or layer_norm")
        conv_bias = _value(settings.get("conv_bias", False))
        if not isinstance(conv_bias, bool):
            raise ValueError(f"conv_bias is {quote(_describe(conv_bias), 60)!r}; expected True or False")
        channels, kernel_sizes, strides = zip(*layers, strict=True)
        return EncoderConfig(
            channels=channels,
            kernel_sizes=kernel_sizes,
            strides=strides,
            conv_norm=_MODES[mode],
            conv_bias=conv_bias,
        )
    except ValueError as error:
        raise CheckpointError(f"{origin}: in its settings, {error}") from error


def parse_layers(text: str) -> list[tuple[int, int, int]]:
    """fairseq's layer list, a Python expression such as `[(512, 10, 5)] + [(512, 3, 2)] * 4`, read without eval.

    Understood are whole numbers, lists, tuples, + and *, all of bounded size.

    Returns:
        (channels, kernel size, stride) of each layer.

    Raises:
        ValueError: anything else.
    """
    shown = quote(text, 80)
    if len(text) > _MOST_CHARACTERS:
        raise ValueError(f"conv_feature_layers has {len(text)} characters; expected at most {_MOST_CHARACTERS}")
    try:
        tree = ast.parse(text.strip(), mode="eval")
        return _check_layers(_evaluate(tree.body))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(
            f"conv_feature_layers is '{shown}'; expected a list such as [(512, 10, 5)] + [(512, 3, 2)] * 4"
        ) from error


def _evaluate(node: ast.expr) -> _Value:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return _bounded(node.value)
    if isinstance(node, ast.List | ast.Tuple):
        items = [_evaluate(item) for item in node.elts]
        return _bounded(items if isinstance(node, ast.List) else tuple(items))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mult):
        left, right = _evaluate(node.left), _evaluate(node.right)
        if isinstance(node.op, ast.Add):
            return _bounded(_sum(left, right))
        if isinstance(left, int):
            return _bounded(_repeated(right, left))
        if isinstance(right, int):
            return _bounded(_repeated(left, right))
    raise ValueError("not a list of layers")


def _sum(left: _Value, right: _Value) -> _Value:
    if isinstance(left, int) and isinstance(right, int):
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        return left + right
    if isinstance(left, tuple) and isinstance(right, tuple):
        return left + right
    raise ValueError("a sum of different things")


def _repeated(value: _Value, times: int) -> _Value:
    # Refused before it is made: [...] * 10**9 would fill memory.
    if not isinstance(value, int) and len(value) * times > _MOST_LAYERS:
        raise ValueError("too large")
    return value * times


def _bounded(value: _Value) -> _Value:
    if value > _MOST_NUMBER if isinstance(value, int) else len(value) > _MOST_LAYERS:
        raise ValueError("too large")
    return value


def _check_layers(layers: object) -> list[tuple[int, int, int]]:
    if isinstance(layers, list | tuple) and 0 < len(layers) <= _MOST_LAYERS:
        good = [
            tuple(layer)
            for layer in layers
            if isinstance(layer, list | tuple) and len(layer) == 3 and all(type(n) is int and n > 0 for n in layer)
        ]
        if len(good) == len(layers):
            return good
    raise ValueError("conv_feature_layers is no list of (channels, kernel size, stride)")


def _plain_layers(node: object) -> object:
    if not isinstance(node, list | tuple):
        return None
    layers = [_value(layer) for layer in node[: _MOST_LAYERS + 1]]
    return [[_value(n) for n in layer[:4]] if isinstance(layer, list | tuple) else None for layer in layers]


def _model_settings(contents: object) -> dict | None:
    """The settings of the pretrained model, which may be those of the model or lie in those of a fine-tuned one."""
    top = _mapping(contents)
    if top is None:
        return None
    settings = _mapping(top.get("cfg")) or _mapping(top.get("args"))
    for _ in range(_MOST_NESTING):
        if settings is None:
            return None
        inner = _mapping(settings.get("w2v_args")) or _mapping(settings.get("model"))
        if inner is None:
            # The settings of fine-tuning repeat some of the encoder's, but not all of them.
            fine_tuning = "w2v_path" in settings and "extractor_mode" not in settings
            return None if fine_tuning else settings
        settings = inner
    return None


def _mapping(node: object) -> dict | None:
    """The named values of a dict, of an argparse.Namespace or of an omegaconf.DictConfig; None of anything else."""
    if isinstance(node, Inert):
        state = node.state
        if isinstance(state, tuple) and state:
            state = state[0]  # (__dict__, slots)
        if isinstance(state, dict):
            content = state.get("_content")
            return content if isinstance(content, dict) else state
        return node.items or None
    return node if isinstance(node, dict) else None


def _value(node: object) -> object:
    """The value in an omegaconf node or an enum's member; anything else as it is."""
    for _ in range(_MOST_NESTING):
        if not isinstance(node, Inert):
            return node
        state = node.state[0] if isinstance(node.state, tuple) and node.state else node.state
        if isinstance(state, dict) and ("_val" in state or "_content" in state):
            node = state.get("_val", state.get("_content"))
        elif isinstance(node.args, tuple) and len(node.args) == 1:
            node = node.args[0]
        else:
            return node
    return node


def _describe(value: object) -> str:
    return value if isinstance(value, str) else f"a {type(value).__name__}"
