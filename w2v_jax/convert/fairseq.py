"""Checkpoints of fairseq, and of tools that save as it does: the settings of the model, as they were pickled.

Facts are from fairseq's models/wav2vec/wav2vec.py, wav2vec2.py, wav2vec2_asr.py, models/hubert and checkpoint_utils.py,
its examples/data2vec, s3prl's upstream/wav2vec2 and upstream/distiller, and DPHuBERT. Old files have `args`, an
argparse.Namespace; newer ones `cfg`, nested, whose `model` part is meant (WavLM's own release has a flat `cfg`). s3prl
writes `model_cfg` and `task_cfg`; DPHuBERT `config`. A fine-tuned model keeps the settings of the pretrained one inside
its own, as `w2v_args`; fairseq builds the encoder from those. A config object of transformers, as HuBERT-ECG saves one,
is read by its attributes. Where none of these states the strides, they are looked for in all that was saved.
"""

import ast
import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.quoting import quote
from w2v_jax.convert import huggingface
from w2v_jax.convert.pickled_tensors import Global
from w2v_jax.convert.settings import NORMALIZE, Statement
from w2v_jax.convert.unpickle import Inert

_DEFAULT_LAYERS = "[(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512,2,2)] + [(512,2,2)]"
# At the top of a checkpoint, and inside its settings, where there may be settings (deeper ones).
_TOPS = ("args", "cfg", "config", "Config", "model_cfg", "model_config", "model_args", "hyper_parameters", "hparams")
_INNER = ("w2v_args", "model", "cfg", "config", "model_cfg", "distiller", "modalities", "audio")
_TASKS = ("task", "task_cfg")
# What the settings are called, by tool: fairseq, data2vec 2.0, DistilHuBERT, torchaudio (and so DPHuBERT).
_LAYERS = (
    "conv_feature_layers",
    "feature_encoder_spec",
    "extractor_conv_feature_layers",
    "extractor_conv_layer_config",
)
_BIASES = ("conv_bias", "extractor_conv_bias")
_MODES = {"default": "group", "group_norm": "group", "layer_norm": "layer"}
_WAV2VEC_1 = ("log_compression", "skip_connections_feat", "non_affine_group_norm")
_ACTIVATIONS = ("relu", "gelu")
_MOST_CHARACTERS = 10_000
_MOST_LAYERS = 100
_MOST_NUMBER = 10**6
_MOST_NESTING = 8
_MOST_PLACES = 20_000
_LONGEST_NAME = 200
_Value = int | list | tuple  # of a layer list, or a part of it


def statements(contents: object, *, origin: str) -> list[Statement]:
    """What a checkpoint's settings say of the encoder: one statement for each place that says something.

    Args:
        contents: the unpickled checkpoint.
        origin: the file, for the messages.

    Raises:
        CheckpointError: settings that cannot be understood.
    """
    root = _mapping(contents) or {}
    candidates = [_statement(*each, root, origin) for each in _places(root)]
    if not any("strides" in each.settings for each in candidates):
        candidates += [_statement(*each, root, origin) for each in _elsewhere(root)]
    return [each for each in candidates if each.settings]


def said_in_file(content: Mapping[str, Any], *, place: str) -> dict[str, Any]:
    """Fields of `EncoderConfig` that settings of these tools state in a file of their own (`model_config.json`).

    Raises:
        CheckpointError: settings that cannot be understood.
    """
    said: dict[str, Any] = {}
    for each in _places({"config": content}):
        said |= _statement(*each, {"config": content}, place).settings
    return said


def _statement(
    place: str, node: object, on_the_way: Mapping[str, object], root: Mapping[Any, object], origin: str
) -> Statement:
    settings = _mapping(node) or {}
    place = f"{place} in the file"
    try:
        if huggingface.states_encoder(settings):
            plain = {name: _plain(value) for name, value in settings.items()}
            family = huggingface.family_of(plain)
            named = huggingface.family_of_class(_class_name(node)) if family is None else family[0]
            said = huggingface.said_by(plain, named, place=f"{origin}: {place}")
        else:
            said = _said(settings, root)
        for ours, (theirs, check) in _ON_THE_WAY.items():
            if (value := on_the_way.get(theirs)) is not None and (said or ours == NORMALIZE):
                said[ours] = check(theirs, value)
    except ValueError as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{origin}: in its settings, {error}") from error
    return Statement(place, said)


def _said(settings: Mapping[Any, object], root: Mapping[Any, object]) -> dict[str, Any]:
    """Fields of `EncoderConfig` that one tool's settings state."""

    def get(*names: str) -> object:
        for name in names:
            if (value := _resolved(settings.get(name), root)) is not None:
                return value
        return None

    said: dict[str, Any] = {}
    arch = get("arch", "_name")
    known = isinstance(arch, str) and (arch.startswith("wav2vec2") or arch == "hubert")
    layers = get(*_LAYERS)
    if layers is None and known:
        layers = _DEFAULT_LAYERS
    if layers is not None:
        parsed = parse_layers(layers) if isinstance(layers, str) else _check_layers(_plain_layers(layers))
        said["channels"], said["kernel_sizes"], said["strides"] = zip(*parsed, strict=True)
    mode = get("extractor_mode")
    if mode is not None:
        if not isinstance(mode, str) or mode not in _MODES:
            raise ValueError(
                f"extractor_mode is {quote(_describe(mode), 60)!r}; expected default, group_norm or layer_norm"
            )
        said["conv_norm"] = _MODES[mode]
    if (bias := get(*_BIASES)) is not None:
        said["conv_bias"] = _truth("conv_bias", bias)
    if arch == "wav2vec" or any(name in settings for name in _WAV2VEC_1):
        said |= dict(conv_norm="global", final_norm=False, conv_bias=False)
        activation = get("activation")
        if activation is None:
            activation = "relu"  # all that there was before it was a setting
        if activation not in _ACTIVATIONS:
            raise ValueError(f"activation is {quote(_describe(activation), 60)!r}; expected relu or gelu")
        said["activation"] = activation
        for ours, theirs in (("log_compression", "log_compression"), ("skip_connections", "skip_connections_feat")):
            if (value := get(theirs)) is not None:
                said[ours] = _truth(theirs, value)
        if (scale := get("residual_scale")) is not None:
            if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0 < scale < 1e6:
                raise ValueError(f"residual_scale is {quote(_describe(scale), 60)!r}; expected a positive number")
            said["residual_scale"] = float(scale) ** 0.5
    elif known:
        said["final_norm"] = True
    return said


def _truth(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {quote(_describe(value), 60)!r}; expected True or False")
    return value


def _whole(name: str, value: object) -> int:
    if type(value) is not int or not 0 < value < _MOST_NUMBER:
        raise ValueError(f"{name} is {quote(_describe(value), 60)!r}; expected a whole number")
    return value


_ON_THE_WAY = {"sample_rate": ("sample_rate", _whole), NORMALIZE: ("normalize", _truth)}


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
    raise ValueError("conv_feature_layers is not a list of (channels, kernel size, stride)")


def _plain_layers(node: object) -> object:
    if not isinstance(node, list | tuple):
        return None
    layers = [_value(layer) for layer in node[: _MOST_LAYERS + 1]]
    return [[_value(n) for n in layer[:4]] if isinstance(layer, list | tuple) else None for layer in layers]


def _places(root: Mapping[Any, object]) -> Iterator[tuple[str, object, Mapping[str, object]]]:
    """Every place with settings of the pretrained model: its name, the settings, and what was said on the way."""
    for top in _TOPS:
        node = root.get(top)
        if (settings := _mapping(node)) is None:
            continue
        place, said = top, _input_of(root, root)
        for _ in range(_MOST_NESTING):
            said |= _input_of(settings, root)
            inner = next((name for name in _INNER if _mapping(settings.get(name))), None)
            if inner is None:
                break
            place, node = f"{place}.{inner}", settings[inner]
            settings = _mapping(node) or {}
        yield place, node, said


def _elsewhere(root: Mapping[Any, object]) -> Iterator[tuple[str, object, Mapping[str, object]]]:
    """Every other place whose settings state the strides."""
    level: list[tuple[str, object]] = [("", root)]
    seen: set[int] = set()  # a pickle may share and loop
    for _ in range(_MOST_NESTING):
        below: list[tuple[str, object]] = []
        for place, node in level:
            settings = _mapping(node)
            if settings is None or id(node) in seen or len(seen) > _MOST_PLACES:
                continue
            seen.add(id(node))
            if place and any(name in settings for name in (*_LAYERS, "conv_stride")):
                yield quote(place), node, _input_of(settings, root)
                continue
            below += [
                (f"{place}.{name}" if place else name, value)
                for name, value in settings.items()
                if isinstance(name, str) and len(name) < _LONGEST_NAME and isinstance(value, dict | Inert)
            ]
        level = below


def _input_of(settings: Mapping[Any, object], root: Mapping[Any, object]) -> dict[str, object]:
    """The sample rate and the normalisation of the input, where settings, or those of their task, state them."""
    values: dict[str, object] = {}
    for part in (*(_mapping(settings.get(name)) or {} for name in _TASKS), settings):
        for name in ("sample_rate", "normalize"):
            with contextlib.suppress(ValueError):  # an interpolation that leads nowhere states nothing
                if (value := _resolved(part.get(name), root)) is not None:
                    values[name] = value
    return values


_INTERPOLATION = re.compile(r"\$\{([A-Za-z_][\w.]{0,200})\}")


def _resolved(node: object, root: Mapping[Any, object]) -> object:
    """The value of a setting; of one that omegaconf interpolates (`${model.x}`), the value that it leads to.

    Raises:
        ValueError: an interpolation of another kind, or one that leads nowhere.
    """
    for _ in range(_MOST_NESTING):
        value = _value(node)
        if not (isinstance(value, str) and "${" in value):
            return value
        match = _INTERPOLATION.fullmatch(value)
        for start in (root, *(_mapping(root.get(top)) for top in _TOPS)):
            node = start
            for part in match[1].split(".") if match else ():
                node = (_mapping(node) or {}).get(part)
            if match and node is not None:
                break
        if match is None or node is None:
            raise ValueError(f"{quote(value, 60)!r} leads nowhere in the file; expected a value")
    raise ValueError("a setting leads to itself; expected a value")


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


def _plain(node: object) -> object:
    """A setting of transformers: text, a number, or a list of them."""
    value = _value(node)
    return [_value(each) for each in value] if isinstance(value, list | tuple) else value


def _class_name(node: object) -> str:
    """The name of the class that a pickled object would have had."""
    if not isinstance(node, Inert):
        return ""
    # An object of protocol 0 is made by a function that takes the class.
    named = [each for each in (node.origin, *node.args[:1]) if isinstance(each, Global)]
    return named[-1].name.rpartition(".")[2] if named else ""


def _describe(value: object) -> str:
    return value if isinstance(value, str) else f"a {type(value).__name__}"
