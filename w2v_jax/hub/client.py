"""Requests to the hub, through huggingface_hub's own session, token, endpoint and proxies; every failure is one line.

huggingface_hub follows redirects, retries and words its errors in another way in each of its releases, and has none for
a part of a file that has to be checked. So requests are made here, with its session (of requests before release 1, of
httpx since), its headers and its addresses.
"""

import contextlib
import dataclasses
import importlib
import re
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

from w2v_jax import _version
from w2v_jax._src import extras
from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.quoting import quote
from w2v_jax.hub.byte_spans import Span
from w2v_jax.hub.ids import MAIN, HubId
from w2v_jax.hub.listening import LOGGED, Listener

_MOST_REDIRECTS = 10
_CHUNK_BYTES = 1 << 17
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (408, 416, 425, 429)  # and every 5xx: the same request may succeed later
_EXPIRED = (401, 403, 404, 410)  # of an address for the data, which is valid for a while only
_PROGRESS_BYTES = 1 << 20
_CONTENT_RANGE = re.compile(r"bytes\s+([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", re.IGNORECASE)
_SHA256 = re.compile(r"[0-9a-f]{64}")
# Base classes of what sessions raise when no answer comes, by name: requests, httpx and its successors differ.
_TRANSPORT = ("RequestException", "HTTPError", "InvalidURL", "StreamError")
_RESETS_IN = re.compile(r"\br\s*=\s*0\s*;\s*t\s*=\s*([0-9]{1,9})")
_HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"


class HubError(CheckpointError):
    """The hub did not give what was asked for. The message is one line.

    Attributes:
        definite: whether the hub itself said no; else it may be reached another time.
    """

    def __init__(self, message: str, *, definite: bool = False):
        super().__init__(message)
        self.definite = definite


@dataclasses.dataclass(frozen=True)
class Patience:
    """How often a request is tried again, and how long is waited, in seconds: doubled each time."""

    retries: int = 4
    first_wait: float = 0.5
    longest_wait: float = 60.0


@dataclasses.dataclass(frozen=True)
class Revision:
    """What a revision is now: its commit, and the names of the files in it."""

    commit: str
    files: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Facts:
    """What the hub says of a file.

    Attributes:
        location: where its data is.
        size: in bytes; None where nothing says it.
        sha256: hexadecimal, of the whole; None where nothing says it.
    """

    location: str
    size: int | None
    sha256: str | None


@dataclasses.dataclass(frozen=True)
class Answer:
    """Data that is coming.

    Attributes:
        is_part: whether it is the part that was asked for; else it is the whole file.
        start: the byte of the file with which it begins.
        stop: the byte before which it ends; None where nothing says it.
        total: the size of the whole file; None where nothing says it.
        chunks: the data.
    """

    is_part: bool
    start: int
    stop: int | None
    total: int | None
    chunks: Iterator[bytes]


class Trouble(Exception):
    """A request that failed: `said` in words, with what an answer's status and headers say of it."""

    def __init__(
        self, said: str, *, passing: bool, status: int | None = None, headers: Mapping[str, str] | None = None
    ):
        super().__init__(said)
        self.said, self.passing, self.status = said, passing, status
        self.headers: Mapping[str, str] = headers or {}


class Client:
    """Asks for one model.

    Attributes:
        received: bytes of data that have come, as those who read them count.

    Args:
        hub_id: the model.
        listener: is told of every failure that is tried again.
        patience: how often that is.

    Raises:
        HubError: huggingface_hub is not installed.
    """

    def __init__(self, hub_id: HubId, *, listener: Listener = LOGGED, patience: Patience | None = None):
        self.hub_id = hub_id
        self.listener = listener
        self.received = 0
        self._patience = patience or Patience()
        self._library = _library(hub_id)
        self._constants = importlib.import_module("huggingface_hub.constants")
        self._endpoint = self._constants.ENDPOINT
        self._sleep = time.sleep

    def revision(self) -> Revision:
        """What the revision is now: one request. Raises `HubError`."""

        def ask() -> Any:
            with self._transport():
                try:
                    api = self._library.HfApi(library_name="w2v_jax", library_version=_version.__version__)
                    return api.model_info(
                        self.hub_id.repository, revision=self.hub_id.revision or MAIN, timeout=self._timeouts()[0]
                    )
                except (ValueError, TypeError, LookupError, AttributeError) as error:  # no such answer as is documented
                    if getattr(error, "response", None) is not None or type(error).__name__ == "HFValidationError":
                        raise
                    raise Trouble(f"its answer cannot be read ({_line(error)})", passing=True) from error

        info = self.patiently(ask, str(self.hub_id))
        names = [getattr(entry, "rfilename", None) for entry in getattr(info, "siblings", None) or []]
        commit = getattr(info, "sha", None)
        if not isinstance(commit, str) or not commit.isascii() or not commit.isalnum() or len(commit) > 200:
            raise HubError(f"{self.hub_id}: the hub says commit {quote(commit, 60)}; expected letters and digits")
        return Revision(commit, tuple(name for name in names if isinstance(name, str)))

    def facts(self, name: str, commit: str) -> Facts:
        """Size, digest and address of a file: one request, and one for each redirect within the hub."""
        url = self._library.hf_hub_url(self.hub_id.repository, name, revision=commit)
        with self._answer("HEAD", url, {}, leave_hub=False) as (response, address, linked):
            headers = response.headers
            etag = linked.get("x-linked-etag") or headers.get("ETag") or ""
            sha256 = _SHA256.fullmatch(etag.removeprefix("W/").strip('"').lower())
            leaves = response.status_code in _REDIRECTS
            length = linked.get("x-linked-size") or (None if leaves or _encoded(headers) else _length(headers))
            size = int(length) if length is not None and length.isdecimal() else None
            location = urllib.parse.urljoin(address, headers["Location"]) if leaves else address
            return Facts(location, size, sha256[0] if sha256 else None)

    @contextlib.contextmanager
    def data(self, location: str, span: Span | None) -> Iterator[Answer]:
        """A part of a file, or all of it, as it comes. One request; nothing is tried again.

        Args:
            location: see `Facts`.
            span: the part; None for all.

        Raises:
            Trouble: it does not come, or another part comes.
        """
        wanted = {} if span is None else {"Range": f"bytes={span[0]}-{span[1] - 1}"}
        with self._answer("GET", location, wanted, leave_hub=True) as (response, _, _):
            headers = response.headers
            read = getattr(response, "iter_bytes", None) or response.iter_content
            if response.status_code != 206 or span is None:
                length = None if _encoded(headers) else _length(headers)
                total = None if length is None else int(length)
                yield Answer(False, 0, total, total, read(_CHUNK_BYTES))
                return
            match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
            if match is None or int(match[1]) != span[0] or not int(match[1]) <= int(match[2]) < span[1]:
                raise Trouble(
                    f"another part came than was asked for (Content-Range "
                    f"{quote(headers.get('Content-Range', 'missing'), 60)}; expected bytes {span[0]}-{span[1] - 1})",
                    passing=True,
                )
            if _encoded(headers):
                raise Trouble("a part came encoded; expected its bytes as they are", passing=True)
            total = None if match[3] == "*" else int(match[3])
            yield Answer(True, span[0], int(match[2]) + 1, total, read(_CHUNK_BYTES))

    def patiently(self, action: Callable[[], Any], subject: str, *, near: str = "") -> Any:
        """What `action` returns, tried again where that may help.

        Args:
            action: may raise `Trouble`.
            subject: what it is about, for messages.
            near: names of files like the one that is asked for.

        Raises:
            HubError: it fails for good.
        """
        tries, before = 0, self.received
        while True:
            try:
                return action()
            except Trouble as trouble:
                if self.received >= before + _PROGRESS_BYTES:  # so much came: the patience is not used up
                    tries, before = 0, self.received
                tries += 1
                delay = _retry_after(trouble.headers)
                wait = self._patience.first_wait * 2 ** (tries - 1) if delay is None else delay
                if not trouble.passing or tries > self._patience.retries or wait > self._patience.longest_wait:
                    raise self._final(trouble, subject, tries, delay, near) from trouble
                self.listener.remark(f"{subject}: {trouble.said}; tries again in {wait:g} s")
                self._sleep(wait)

    @contextlib.contextmanager
    def _answer(
        self, method: str, url: str, wanted: Mapping[str, str], *, leave_hub: bool
    ) -> Iterator[tuple[Any, str, dict[str, str]]]:
        """An answer other than an error, its address, and what was said of the file on the way to it.

        Redirects are followed, out of the hub only where told to.

        The token is for the hub alone: outside of it, and from there on, no request carries it.
        """
        headers = {**self._headers(), "Accept-Encoding": "identity", **wanted}
        timeout = self._timeouts()[method == "GET"]
        linked: dict[str, str] = {}
        for _ in range(_MOST_REDIRECTS):
            if _origin(url) != _origin(self._endpoint):
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            with self._transport(), self._stream(method, url, headers, timeout) as response:
                target = response.headers.get("Location")
                answer_headers = {name.lower(): value for name, value in response.headers.items()}
                linked |= {name: value for name, value in answer_headers.items() if name.startswith("x-linked-")}
                if response.status_code not in _REDIRECTS or target is None:
                    self._check(response, url)
                    yield response, url, linked
                    return
                try:
                    target = urllib.parse.urljoin(url, target)
                    secure = _origin(target)[0] in ("https", _origin(url)[0])
                except ValueError:
                    secure = False
                if not secure:
                    raise Trouble(f"it leads to {quote(target, 80)}; expected an https address", passing=False)
                if not leave_hub and _origin(target) != _origin(self._endpoint):
                    yield response, url, linked
                    return
            url = target
        raise Trouble(f"its redirects lead nowhere (more than {_MOST_REDIRECTS})", passing=False)

    def _stream(
        self, method: str, url: str, headers: Mapping[str, str], timeout: float
    ) -> contextlib.AbstractContextManager[Any]:
        session = importlib.import_module("huggingface_hub.utils").get_session()
        if callable(getattr(session, "stream", None)):
            return session.stream(method, url, headers=headers, timeout=timeout, follow_redirects=False)
        return session.request(method, url, headers=headers, timeout=timeout, allow_redirects=False, stream=True)

    def _headers(self) -> dict[str, str]:
        build = importlib.import_module("huggingface_hub.utils").build_hf_headers
        return build(library_name="w2v_jax", library_version=_version.__version__)

    def _timeouts(self) -> tuple[float, float]:
        """In seconds: for facts, and between two pieces of data. The user's, by huggingface_hub's variables."""
        return float(self._constants.HF_HUB_ETAG_TIMEOUT), float(self._constants.HF_HUB_DOWNLOAD_TIMEOUT)

    def _check(self, response: Any, url: str) -> None:
        status = response.status_code
        if status in (200, 206):
            return
        elsewhere = _origin(url) != _origin(self._endpoint)
        passing = status in _PASSING or status >= 500 or (elsewhere and status in _EXPIRED)
        where = f"{urllib.parse.urlsplit(url).hostname} (where the data is)" if elsewhere else "the hub"
        raise Trouble(f"{where} answers {status}", passing=passing, status=status, headers=dict(response.headers))

    @contextlib.contextmanager
    def _transport(self) -> Iterator[None]:
        """Makes `Trouble` of what sessions and huggingface_hub raise."""
        try:
            yield
        except (Trouble, CheckpointError):
            raise
        except Exception as error:
            response = getattr(error, "response", None)
            status = getattr(response, "status_code", None)
            if status is not None:
                raise Trouble(
                    f"the hub answers {status}",
                    passing=status in _PASSING or status >= 500,
                    status=status,
                    headers=dict(getattr(response, "headers", {})),
                ) from error
            if type(error).__name__ == "OfflineModeIsEnabled":
                raise Trouble("huggingface_hub is told to stay offline", passing=False) from error
            kinds = {each.__name__ for each in type(error).__mro__}
            if not kinds.intersection(_TRANSPORT) and not isinstance(error, ConnectionError | TimeoutError):
                if type(error).__name__ == "HFValidationError":
                    raise Trouble(f"no name for a model ({_line(error)})", passing=False) from error
                raise
            said = f"no answer, or half of one ({type(error).__name__}: {_line(error)})"
            raise Trouble(said, passing=True) from error

    def _final(self, trouble: Trouble, subject: str, tries: int, delay: float | None, near: str) -> HubError:
        """What to do about a failure that stays."""
        code = _header(trouble.headers, "X-Error-Code")
        page = f"{self._endpoint}/{self.hub_id.repository}"
        revision = quote(self.hub_id.revision or MAIN)
        if trouble.status == 429:
            rest = "later" if delay is None else f"after {delay:g} s"
            advice = f"it wants fewer requests: run the same command again {rest}, which goes on from here"
        elif trouble.passing:
            again = f" after {tries} tries" if tries > 1 else ""
            advice = f"given up{again}: run the same command again later, which goes on from here"
        elif code == "GatedRepo":
            advice = f"it is gated: accept its conditions at {page}, and log in with `hf auth login` (or set HF_TOKEN)"
        elif code == "RevisionNotFound":
            advice = f"it has no revision {revision}; expected one of {page}/tree/main"
        elif code == "EntryNotFound" or (trouble.status == 404 and near):
            advice = f"it has no such file; expected one of {page}/tree/{revision}" + (f", such as {near}" * bool(near))
        elif trouble.status == 401:
            advice = (
                "there is no such model, or it is private or gated: check the name, and log in with "
                "`hf auth login` (or set HF_TOKEN)"
            )
        elif trouble.status == 403:
            advice = f"your token may not read it: ask for access at {page}, or log in with another (`hf auth login`)"
        elif trouble.status in (404, 410):
            advice = "there is no such model, or no such revision of it: check the name"
        else:
            advice = "check the name, the network and HF_ENDPOINT"
        definite = trouble.status is not None and not trouble.passing
        return HubError(f"{subject}: no such file here, and {trouble.said}; {advice}", definite=definite)


def _library(hub_id: HubId) -> ModuleType:
    what = f"{hub_id}: no such file here, and what fetches from the hub is not installed"
    library, _ = (
        extras.package(each, what=what, extra="hub", error=HubError) for each in ("huggingface_hub", "filelock")
    )
    return library


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return next((value for each, value in headers.items() if each.lower() == name.lower()), None)


def _encoded(headers: Mapping[str, str]) -> bool:
    return headers.get("Content-Encoding", "identity").lower() not in ("", "identity")


def _length(headers: Mapping[str, str]) -> str | None:
    length = headers.get("Content-Length")
    return length if length is not None and length.isdecimal() else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that an answer asks to wait for: a number of them, or a date."""
    value = (_header(headers, "Retry-After") or "").strip()
    if value.isdecimal():
        return float(value)
    if not value:  # the hub's own way to say it
        reset = _RESETS_IN.search(_header(headers, "RateLimit") or "")
        return float(reset[1]) if reset else None
    try:
        return max(0.0, time.mktime(time.strptime(value, _HTTP_DATE)) - time.mktime(time.gmtime()))
    except (ValueError, OverflowError):
        return None


def _line(error: Exception) -> str:
    return quote((str(error).strip().splitlines() or ["no message"])[0], 200)
