"""From an id to a weight file in the cache: asked once, converted once, never replaced."""

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Iterator

from w2v_jax._src.weights_folders import SUFFIX, find_weights
from w2v_jax.convert.conversion import Conversion, convert_place
from w2v_jax.convert.huggingface import CONFIG_NAME, WEIGHT_NAMES
from w2v_jax.convert.places import Place
from w2v_jax.convert.settings import UnsettledError
from w2v_jax.hub import cache, repository
from w2v_jax.hub.client import Client, HubError, Patience, Revision
from w2v_jax.hub.ids import MAIN, HubId, cached_as, is_hub_id, parse
from w2v_jax.hub.listening import LOGGED, Listener

_OFFLINE_VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_TRUE = ("1", "ON", "YES", "TRUE")


@dataclasses.dataclass(frozen=True)
class Model:
    """A commit of a model that can be opened.

    Attributes:
        hub_id: as it was named.
        commit: what its revision is.
    """

    hub_id: HubId
    commit: str
    _client: Client | None = None
    _revision: Revision | None = None
    _folder: pathlib.Path | None = None

    @property
    def received(self) -> int:
        """Bytes of data that have come for it."""
        return 0 if self._client is None else self._client.received

    @contextlib.contextmanager
    def opened(self, listener: Listener) -> Iterator[Place]:
        """Its folder, for this process alone. Raises `HubError`."""
        if self._client is not None and self._revision is not None:
            with repository.opened(self._client, self._revision) as place:
                yield place
        elif self._folder is not None:
            with cache.only_process(self.hub_id, self.commit, listener):
                yield self._folder / self.hub_id.path


@dataclasses.dataclass(frozen=True)
class Obtained:
    """An encoder in the cache.

    Attributes:
        path: its weight file.
        commit: of the model.
        conversion: what was converted; None where it was there already.
    """

    path: pathlib.Path
    commit: str
    conversion: Conversion | None = None

    @property
    def received(self) -> int:
        """Bytes that came for it."""
        return 0 if self.conversion is None else self.conversion.received

    @property
    def notes(self) -> tuple[str, ...]:
        """What its conversion passed over, a sentence each."""
        return () if self.conversion is None else self.conversion.notes


def is_offline(offline: bool = False) -> bool:
    """Whether the hub is not to be asked: told so here, or by huggingface_hub's environment variables."""
    return offline or any(os.environ.get(name, "").upper() in _TRUE for name in _OFFLINE_VARIABLES)


def find_model(
    hub_id: HubId, *, offline: bool = False, listener: Listener = LOGGED, patience: Patience | None = None
) -> Model:
    """What the hub says that the id is now, by one request; offline, what huggingface_hub's own cache has of it.

    Raises:
        HubError: there is none.
    """
    if is_offline(offline):
        model = _in_the_hubs_cache(hub_id)
        if model is None:
            raise HubError(
                f"{hub_id}: no such file here, and it was not fetched before; expected that, or a connection: without "
                "offline=True and HF_HUB_OFFLINE it is fetched from the hub",
                definite=True,
            )
        return model
    client = Client(hub_id, listener=listener, patience=patience)
    revision = client.revision()
    return Model(hub_id, revision.commit, client, revision)


def _in_the_hubs_cache(hub_id: HubId) -> Model | None:
    for name in WEIGHT_NAMES:
        inside = f"{hub_id.path}/{name}" if hub_id.path else name
        path = repository.in_the_hubs_cache(hub_id.repository, inside, hub_id.revision or MAIN)
        label_and_commit = None if path is None else cached_as(path)
        if path is not None and label_and_commit is not None:
            return Model(hub_id, label_and_commit[1], _folder=path.parents[inside.count("/")])
    return None


def obtain(
    name: str, *, offline: bool = False, listener: Listener = LOGGED, patience: Patience | None = None
) -> Obtained:
    """The encoder of a model on the hub, as a weight file in the cache.

    The first time its bytes are fetched and converted. Later the hub is asked whether the revision has moved, unless it
    is a commit; where it has, the encoder of the new commit is kept, too, next to that of the old one.

    Args:
        name: see `ids.parse`.
        offline: ask nothing, and take what was fetched before.
        listener: hears how it goes.
        patience: how often a failed request is tried again.

    Raises:
        CheckpointError: there is none, it cannot be converted, or the hub cannot be asked; one line.
        OSError: the cache cannot be written.
    """
    hub_id = parse(name)
    before = cache.last_commit(hub_id)
    known = None if before is None else cache.weight_file(hub_id, before)
    known = known if known is not None and known.is_file() else None
    if known is not None and before is not None and (hub_id.commit or is_offline(offline)):
        return Obtained(known, before)
    try:
        model = find_model(hub_id, offline=offline, listener=listener, patience=patience)
    except HubError as error:
        if known is None or before is None or error.definite:
            raise
        listener.remark(f"{error}; took what was fetched before, commit {before[:12]}")
        return Obtained(known, before)
    obtained = _converted(model, listener)
    cache.remember(hub_id, model.commit)
    if before not in (None, model.commit):
        listener.remark(
            f"{hub_id}: it has moved, from commit {str(before)[:12]} to {model.commit[:12]}, which is taken; "
            f"{hub_id.model}@{before} names the former one"
        )
    return obtained


def _converted(model: Model, listener: Listener) -> Obtained:
    hub_id, path = model.hub_id, cache.weight_file(model.hub_id, model.commit)
    if path.is_file():
        return Obtained(path, model.commit)
    with model.opened(listener) as place:
        if path.is_file():  # another process was first
            return Obtained(path, model.commit)
        try:
            done = convert_place(place, path, label=hub_id.model, revision=model.commit)
        except UnsettledError as error:
            call = f'w2v_jax.convert_checkpoint("{hub_id}", "weights/{hub_id.safe_name}{SUFFIX}")'
            raise UnsettledError(f"{error} (an argument of {call}, a flag of w2v-jax convert)") from error
    done = dataclasses.replace(done, received=model.received)
    return Obtained(path, model.commit, done)


def find(name_or_path: str | os.PathLike[str], *, offline: bool = False, listener: Listener = LOGGED) -> pathlib.Path:
    """The weight file that a name, a path or a hub id stands for. What is here is taken before what is on the hub.

    A folder here that has the name of a model on the hub, and a checkpoint of another tool in it, is converted into the
    cache, each time.

    Raises:
        FileNotFoundError: there is none; see `checkpoint.find_weights`.
        CheckpointError, OSError: see `obtain`.
    """
    name = os.fspath(name_or_path)
    path = pathlib.Path(name)
    if not isinstance(name_or_path, str) or not is_hub_id(name):  # a path object is no name
        return find_weights(name_or_path)
    if path.is_file():
        listener.remark(f"{name}: the file here is taken, not the model of that name on the hub")
        return path
    if path.is_dir():
        if not any((path / each).is_file() for each in (*WEIGHT_NAMES, CONFIG_NAME)):
            return find_weights(name_or_path)
        listener.remark(f"{name}: the folder here is taken, not the model of that name on the hub")
        return convert_place(path, cache.home() / "local" / f"{parse(name).safe_name}{SUFFIX}", label=path.name).path
    beside = path.with_name(path.name + SUFFIX)
    if beside.is_file():
        raise FileNotFoundError(f"no weights {name!r}; did you mean {os.fspath(beside)!r}?")
    obtained = obtain(name, offline=offline, listener=listener)
    for note in obtained.notes:
        listener.remark(note)
    return obtained.path
