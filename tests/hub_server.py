"""A stand-in for the Hugging Face hub on this machine: the routes that a download uses, and everything that can fail.

/api/models/ID                        what a model is: its commit and its files
/api/models/ID/revision/REVISION      the same of a branch, tag or commit
/ID/resolve/REVISION/FILE             a file: leads to another host name, where its data is
/data/ID/COMMIT/FILE                  the data, as a whole or in parts
"""

import contextlib
import dataclasses
import hashlib
import http.server
import json
import pathlib
import re
import threading
import urllib.parse
from collections.abc import Callable, Iterator

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclasses.dataclass
class Request:
    """What came, and how many bytes of body went back."""

    method: str
    path: str
    part: str | None
    host: str
    token: str | None
    sent: int = 0


@dataclasses.dataclass
class Hub:
    """The state of a stand-in.

    Attributes:
        folders: the files of each model, by id.
        commits: of each model and revision.
        fault: what to do with the n-th request, instead of answering it: a key of `FAULTS`, or None.
        parts: whether parts of files are sent.
        elsewhere: whether the data is under another host name.
        says_sizes: whether the hub says size and digest of a file.
        says_right_digests: whether the digest is that of the data.
    """

    folders: dict[str, pathlib.Path] = dataclasses.field(default_factory=dict)
    commits: dict[tuple[str, str], str] = dataclasses.field(default_factory=dict)
    fault: Callable[[int, Request], str | None] = lambda number, request: None
    parts: bool = True
    elsewhere: bool = True
    says_sizes: bool = True
    says_right_digests: bool = True
    requests: list[Request] = dataclasses.field(default_factory=list)
    port: int = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sent(self) -> int:
        """Bytes of data that went out."""
        return sum(request.sent for request in self.requests if request.path.startswith("/data/"))

    def commit(self, model: str, revision: str) -> str | None:
        if revision in (COMMIT, *self.commits.values()):
            return revision
        return self.commits.get((model, revision), COMMIT if revision == "main" else None)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = urllib.parse.unquote(self.path.partition("?")[0])
        host, token = self.headers["Host"].partition(":")[0], self.headers.get("Authorization")
        self.request_made = Request(self.command, path, self.headers.get("Range"), host, token)
        self.hub.requests.append(self.request_made)
        fault = self.hub.fault(len(self.hub.requests), self.request_made)
        if fault is not None and FAULTS[fault](self):
            return
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self._model(match[1], match[2] or "main")
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(*match.groups())
        elif match := re.fullmatch(r"/data/([^/]+/[^/]+)/([^/]+)/(.+)", path):
            self._data(match[1], match[3])
        else:
            self.refuse(404)

    def _model(self, model: str, revision: str) -> None:
        if model not in self.hub.folders:
            return self.refuse(401, "RepoNotFound")
        commit = self.hub.commit(model, revision)
        if commit is None:
            return self.refuse(404, "RevisionNotFound")
        folder = self.hub.folders[model]
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        said = {"id": model, "sha": commit, "siblings": [{"rfilename": name} for name in names], "unknown": 1}
        self.answer(200, json.dumps(said).encode(), {"Content-Type": "application/json"})

    def _resolve(self, model: str, revision: str, name: str) -> None:
        path, commit = self.hub.folders.get(model, pathlib.Path("/none")) / name, self.hub.commit(model, revision)
        if commit is None or not path.is_file():
            return self.refuse(404, "EntryNotFound")
        headers = {"X-Repo-Commit": commit}
        if self.hub.says_sizes:
            digest = hashlib.sha256(path.read_bytes() if self.hub.says_right_digests else b"").hexdigest()
            headers |= {"X-Linked-Size": str(path.stat().st_size), "X-Linked-ETag": f'"{digest}"'}
        if not self.hub.elsewhere:
            return self._data(model, name, headers)
        place = urllib.parse.quote(f"/data/{model}/{commit}/{name}")
        headers["Location"] = f"http://localhost:{self.hub.port}{place}?signature=1"
        self.answer(302, b"Found", headers)

    def _data(self, model: str, name: str, headers: dict[str, str] | None = None) -> None:
        path = self.hub.folders[model] / name
        size, headers = path.stat().st_size, {"ETag": '"of-the-data"', **(headers or {})}
        part = re.fullmatch(r"bytes=(\d+)-(\d+)", self.request_made.part or "")
        with path.open("rb") as file:
            if part is None or not self.hub.parts:
                return self.answer(200, file.read(), headers)
            first, last = int(part[1]), min(int(part[2]), size - 1)
            if first > last:
                return self.answer(416, b"", {"Content-Range": f"bytes */{size}"})
            file.seek(first)
            data = file.read(last + 1 - first)
        self.answer(206, data, {**headers, "Content-Range": f"bytes {first}-{last}/{size}"})

    def answer(self, status: int, data: bytes, headers: dict[str, str], *, length: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.lower(), value)
        self.send_header("content-length", str(len(data) if length is None else length))
        self.end_headers()
        if self.command == "GET":
            with contextlib.suppress(ConnectionError):
                self.wfile.write(data)
                self.request_made.sent += len(data)

    def refuse(self, status: int, code: str | None = None, **headers: str) -> None:
        said = {"X-Error-Code": code} if code else {}
        self.answer(status, b"{}", said | {name.replace("_", "-"): value for name, value in headers.items()})

    def cut(self) -> bool:
        """Closes the connection, after half of what was promised."""
        if self.command == "HEAD":
            return self.silent()
        self.answer(200 if self.request_made.part is None else 206, b"half", _content_range(self), length=8)
        self.close_connection = True
        return True

    def silent(self) -> bool:
        """Closes the connection without a word."""
        self.close_connection = True
        return True

    def log_message(self, *_: object) -> None:
        pass


def _content_range(handler: _Handler) -> dict[str, str]:
    part = re.fullmatch(r"bytes=(\d+)-(\d+)", handler.request_made.part or "")
    return {"Content-Range": f"bytes {part[1]}-{int(part[1]) + 7}/1000000"} if part else {}


def _refusal(status: int, code: str | None = None, **headers: str) -> Callable[[_Handler], bool]:
    def refuse(handler: _Handler) -> bool:
        handler.refuse(status, code, **headers)
        return True

    return refuse


def _other_part(handler: _Handler) -> bool:
    if handler.request_made.part is None or not handler.request_made.path.startswith("/data/"):
        return False
    handler.answer(206, b"12345678", {"Content-Range": "bytes 7-14/1000000"})
    return True


def _whole(handler: _Handler) -> bool:
    handler.request_made.part = None  # as if none had been asked for
    return False


# Each answers, or returns False to let the usual answer go out.
FAULTS: dict[str, Callable[[_Handler], bool]] = {
    "401": _refusal(401),
    "403": _refusal(403),
    "gated": _refusal(403, "GatedRepo"),
    "404": _refusal(404, "EntryNotFound"),
    "429": _refusal(429, Retry_After="0"),
    "429 for an hour": _refusal(429, Retry_After="3600"),
    "503": _refusal(503),
    "500": _refusal(500),
    "416": _refusal(416),
    "cut": _Handler.cut,
    "silent": _Handler.silent,
    "another part": _other_part,
    "whole": _whole,
}


@contextlib.contextmanager
def serving() -> Iterator[Hub]:
    """A stand-in, until the block ends."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # a client that went away
    hub.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
