"""Models of the hub by their ids, against a stand-in for the hub that can fail in every way."""

import json
import pathlib
import sys
import threading

import hub_server
import numpy as np
import pytest
from checkpoints import SMALL, config_json, expected, save_safetensors, state_dict, tensors
from torch_format import save_legacy, save_zip

from experiments import encoders
from experiments.front_ends import named, paper, resolving
from experiments.front_ends.paper import model_of
from w2v_jax.checkpoint import CheckpointError, encoder_tensors, load_encoder, read_metadata
from w2v_jax.convert import convert_checkpoint
from w2v_jax.convert.__main__ import main as convert
from w2v_jax.hub import byte_spans, cache, client, ids, obtaining

constants = pytest.importorskip("huggingface_hub.constants")
file_download = pytest.importorskip("huggingface_hub.file_download")

ID = "some/model"
IMPATIENT = client.Patience(retries=2, first_wait=0.001, longest_wait=1.0)
OTHER_COMMIT = "f" * 40
PADDING = 300_000  # bytes on both sides of the encoder


class Heard:
    """A listener that keeps what it hears."""

    def __init__(self):
        self.remarks, self.expected, self.received = [], 0, 0

    def remark(self, text):
        assert "\n" not in text
        self.remarks.append(text)

    def expect(self, nbytes):
        self.expected += nbytes

    def receive(self, nbytes):
        self.received += nbytes


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with hub_server.serving() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.endpoint)
        template = server.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        for module in (constants, file_download):  # releases before 1 have it in both
            monkeypatch.setattr(module, "HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
        monkeypatch.setattr(client, "Patience", lambda: IMPATIENT)
        monkeypatch.setenv("W2V_JAX_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("HF_TOKEN", "secret")
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.chdir(tmp_path)
        server.folders[ID] = tmp_path / "repository"
        yield server


STATE = state_dict(prefix="wav2vec2.")
PADDED = {
    "a.padding": np.zeros(PADDING // 4, np.float32),
    **STATE,
    "z.padding": np.zeros(PADDING // 4, np.float32),
}


def save(folder: pathlib.Path, kind: str = "safetensors") -> None:
    """A checkpoint of transformers, most of which is not the encoder."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(config_json())
    (folder / "preprocessor_config.json").write_text('{"sampling_rate": 16000}')
    if kind == "safetensors":
        save_safetensors(folder / "model.safetensors", PADDED)
    elif kind == "zip":
        save_zip(folder / "pytorch_model.bin", tensors(PADDED))
    elif kind == "legacy":
        save_legacy(folder / "pytorch_model.bin", tensors(PADDED))
    else:
        shards = {"one.safetensors": PADDED, "two.safetensors": {"other": np.zeros(PADDING // 4, np.float32)}}
        for name, state in shards.items():
            save_safetensors(folder / name, state)
        weight_map = {tensor: name for name, state in shards.items() for tensor in state}
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def check(path: pathlib.Path) -> None:
    ours, wanted = encoder_tensors(load_encoder(path)), expected(SMALL, STATE, "transformers", "wav2vec2.")
    assert ours.keys() == wanted.keys()
    for name, tensor in wanted.items():
        np.testing.assert_array_equal(ours[name], tensor, err_msg=name)


def obtain(name: str = ID, **options):
    return obtaining.obtain(name, **{"listener": Heard()} | options)


def num_requests(hub) -> int:
    """How often the hub was asked by us: huggingface_hub has questions of its own."""
    return sum(not request.path.startswith("/api/agent") for request in hub.requests)


# what comes, and what stays


@pytest.mark.parametrize("kind", ["safetensors", "zip", "shards", "legacy"])
def test_an_id_becomes_an_encoder_of_which_only_its_bytes_came(hub, kind):
    save(hub.folders[ID], kind)
    heard = Heard()
    done = obtain(listener=heard)
    check(done.path)
    said = read_metadata(done.path).provenance
    assert (said.source, said.revision, said.assumed) == (ID, hub_server.COMMIT, None)
    names = {"zip": "pytorch_model.bin", "legacy": "pytorch_model.bin", "shards": "model.safetensors.index.json"}
    assert said.file == names.get(kind, "model.safetensors")
    local = convert_checkpoint(hub.folders[ID], hub.folders[ID].parent / "local.safetensors")
    assert (said.source_sha256, done.conversion.digest) == (local.provenance.source_sha256, local.digest)
    assert hub.sent == heard.received == heard.expected == done.received
    if kind == "legacy":
        assert hub.sent > 2 * PADDING
        assert len(heard.remarks) == 1
        assert heard.remarks[0].endswith("older format has no directory: fetches the whole file, 603 kB")
    else:
        assert hub.sent < 200_000  # both ends of the file, at most, and the little encoder
        assert heard.remarks == []
    assert not (cache.home() / "downloads" / f"some--model@{hub_server.COMMIT}").exists()


def test_the_token_stays_with_the_hub(hub):
    save(hub.folders[ID])
    obtain()
    assert {(request.host, request.token) for request in hub.requests if "agent" not in request.path} == {
        ("127.0.0.1", "Bearer secret"),
        ("localhost", None),
    }


def test_a_second_time_only_the_revision_is_asked_for_and_offline_nothing(hub, monkeypatch):
    save(hub.folders[ID])
    first, before = obtain(), num_requests(hub)
    assert load_encoder(ID).config == SMALL
    assert num_requests(hub) == before + 1
    assert obtain(offline=True).path == obtain(f"{ID}@{hub_server.COMMIT}").path == first.path
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert obtain().path == first.path
    assert num_requests(hub) == before + 1
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)  # nor is the library needed
    assert obtain().path == first.path


def test_a_moved_revision_is_a_new_file(hub):
    save(hub.folders[ID])
    first = obtain(f"{ID}@main")
    bytes_before = first.path.read_bytes()
    hub.commits[ID, "main"] = OTHER_COMMIT
    heard = Heard()
    second = obtain(f"{ID}@main", listener=heard)
    assert first.path != second.path
    assert first.path.read_bytes() == bytes_before
    assert heard.remarks == [
        f"{ID}@main: it has moved, from commit 0123456789ab to ffffffffffff, which is taken; "
        f"{ID}@{hub_server.COMMIT} names the former one"
    ]
    assert obtain(f"{ID}@main", offline=True).commit == OTHER_COMMIT
    assert [each.revisions for each in cache.encoders()] == [(), ("main",)]


def test_a_server_without_parts_sends_the_whole_file_and_it_is_said(hub):
    save(hub.folders[ID])
    hub.parts = False
    heard = Heard()
    check(obtain(listener=heard).path)
    size = (hub.folders[ID] / "model.safetensors").stat().st_size
    assert [text.partition(": ")[2] for text in heard.remarks] == [
        "the server sends no parts of files: fetches the whole file, 602 kB"
    ]
    assert size < hub.sent == heard.received == heard.expected < size + 2_000


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_hub_that_says_no_sizes(hub, elsewhere):
    hub.says_sizes, hub.elsewhere = False, elsewhere
    save(hub.folders[ID])
    done = obtain()
    check(done.path)
    assert read_metadata(done.path).provenance.source_sha256 is None  # of a file that was not read as a whole
    assert hub.sent < 200_000


def test_a_whole_file_that_is_not_what_the_hub_says_is_refused(hub):
    save(hub.folders[ID], "legacy")
    hub.says_right_digests = False
    with pytest.raises(CheckpointError, match=r"^some/model/pytorch_model.bin: what came is not what the hub says"):
        obtain()


def test_what_huggingface_hub_has_in_its_cache_is_not_fetched(hub, tmp_path):
    snapshot = tmp_path / "hf" / "models--some--model" / "snapshots" / hub_server.COMMIT
    snapshot.parent.mkdir(parents=True)
    save(snapshot)
    (tmp_path / "hf/models--some--model/refs").mkdir()
    (tmp_path / "hf/models--some--model/refs/main").write_text(hub_server.COMMIT)
    hub.folders[ID] = snapshot
    done = obtain(offline=True)
    check(done.path)
    assert num_requests(hub) == 0
    done.path.unlink()
    check(obtain().path)
    assert num_requests(hub) == 1
    said = read_metadata(done.path).provenance
    assert (said.source, said.revision) == (ID, hub_server.COMMIT)


def test_folders_files_and_revisions_by_name(hub, tmp_path):
    hub.folders[ID].mkdir()
    save(hub.folders[ID] / "audio")
    hub.commits[ID, "refs/pr/3"] = OTHER_COMMIT
    done = obtain(f"{ID}/audio@refs/pr/3")
    check(done.path)
    assert read_metadata(done.path).provenance.source == f"{ID}/audio"
    save_zip(hub.folders[ID] / "best.pt", tensors(PADDED))
    (hub.folders[ID] / "config.json").write_text(config_json())
    check(obtain().path)  # the only checkpoint of the folder
    check(obtain(f"{ID}/best.pt@main").path)
    with pytest.raises(CheckpointError, match=r"^some/model/video: the repository has no video; it has audio"):
        obtain(f"{ID}/video")
    (hub.folders[ID] / "best.pt").rename(hub.folders[ID] / "model.h5")
    (hub.folders[ID] / "audio/model.safetensors").unlink()
    hub.commits[ID, "main"] = "e" * 40
    with pytest.raises(CheckpointError, match=r"^some/model/audio: the hub repository has .*expected one of model\.sa"):
        obtain(f"{ID}/audio")


# what fails


def forget(hub) -> None:
    hub.requests.clear()
    for each in cache.encoders():
        each.path.unlink()


REFUSED = ("401", "403", "gated", "404", "429 for an hour")  # for good
CASES = [("safetensors", fault) for fault in hub_server.FAULTS] + [("zip", "503"), ("zip", "whole"), ("legacy", "cut")]


@pytest.mark.parametrize(("kind", "fault"), CASES)
def test_a_request_that_fails(hub, kind, fault):
    """The n-th request, or all from there on, for every n: either the encoder comes, or one line and nothing else."""
    save(hub.folders[ID], kind)
    (hub.folders[ID] / "preprocessor_config.json").unlink()  # asked for as the other is
    whole, count = obtain().path.read_bytes(), len(hub.requests)
    for number in range(1, count + 1):
        for stays in (False, True) if fault in ("503", "cut") else (False,):
            forget(hub)
            hub.fault = lambda n, _: fault if n == number or (stays and n > number) else None  # noqa: B023
            said = None
            try:
                assert obtain().path.read_bytes() == whole
            except CheckpointError as error:
                said = str(error)
            if said is not None:
                assert "\n" not in said
                assert said.startswith("some/model")
                assert not cache.encoders()
                assert stays or fault in REFUSED, said
                hub.fault = lambda n, _: None
                assert obtain().path.read_bytes() == whole  # nothing half was left


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("401", r"answers 401; there is no such model, or it is private or gated: .*`hf auth login`"),
        ("403", r"answers 403; your token may not read it: ask for access at http://127\.0\.0\.1:\d+/some/model,"),
        ("gated", r"answers 403; it is gated: accept its conditions at http://127\.0\.0\.1:\d+/some/model, and log in"),
        ("404", r"answers 404; it has no such file; expected one of http://127\.0\.0\.1:\d+/some/model/tree/main"),
        ("429", r"answers 429; it wants fewer requests: run the same command again after 0 s"),
        ("429 for an hour", r"answers 429; it wants fewer requests: run the same command again after 3600 s"),
        ("503", r"answers 503; given up after 3 tries: run the same command again later, which goes on from here"),
        ("silent", r"no answer, or half of one \(.*\); given up after 3 tries: run the same command again"),
    ],
)
def test_what_is_said_of_a_failure(hub, fault, message):
    save(hub.folders[ID])
    hub.fault = lambda n, _: fault
    with pytest.raises(client.HubError, match=f"^some/model: no such file here, and .*{message}"):
        obtain()


def test_a_file_that_is_gone_is_told_with_the_names_of_its_like(hub):
    save(hub.folders[ID])
    (hub.folders[ID] / "model.fp16.safetensors").write_bytes(b"")
    hub.fault = lambda n, request: "404" if request.path.endswith("/model.safetensors") else None
    with pytest.raises(client.HubError, match=r"^some/model/model.safetensors: .*, such as model\.fp16\.safetensors$"):
        obtain()


def test_a_failing_hub_does_not_keep_from_what_was_fetched_before(hub):
    save(hub.folders[ID])
    first = obtain()
    hub.fault = lambda n, _: "503"
    heard = Heard()
    assert obtain(listener=heard).path == first.path
    assert heard.remarks[-1].endswith("; took what was fetched before, commit 0123456789ab")
    hub.fault = lambda n, _: "gated"  # the hub's own no is not passed over
    with pytest.raises(client.HubError, match="gated"):
        obtain()


def test_a_download_that_was_stopped_goes_on(hub):
    save(hub.folders[ID], "legacy")
    size = (hub.folders[ID] / "pytorch_model.bin").stat().st_size

    class Stops(Heard):
        def receive(self, nbytes):
            super().receive(nbytes)
            if self.received > size // 2:
                raise KeyboardInterrupt

    stopped, rest = Stops(), Heard()
    with pytest.raises(KeyboardInterrupt):
        obtain(listener=stopped)
    assert not cache.encoders()
    check(obtain(listener=rest).path)
    assert stopped.received + rest.received < size + 200_000  # a chunk, and the small files


def test_what_was_damaged_on_the_way_is_fetched_again(hub):
    save(hub.folders[ID])
    right = (hub.folders[ID] / "model.safetensors").read_bytes()
    hub.says_sizes = False
    (hub.folders[ID] / "model.safetensors").write_bytes(right[:8] + b"?" + right[9:])
    with pytest.raises(CheckpointError, match=r"^some/model/model.safetensors: "):
        obtain()
    (hub.folders[ID] / "model.safetensors").write_bytes(right)
    check(obtain().path)


def test_two_at_once_convert_once(hub):
    save(hub.folders[ID], "legacy")
    heard, done = Heard(), []
    threads = [threading.Thread(target=lambda: done.append(obtain(listener=heard))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each.path for each in done}) == 1
    assert sum(each.conversion is not None for each in done) == 1
    assert sum("pytorch_model" in request.path and request.method == "GET" for request in hub.requests) <= 2


def test_what_can_be_put_right_is_one_line(hub, monkeypatch, tmp_path):
    with pytest.raises(
        CheckpointError, match=r"^no/such: no such file here, and the hub answers 401; there is no such"
    ):
        obtain("no/such")
    save(hub.folders[ID])
    with pytest.raises(CheckpointError, match=r"^some/model@v9: .* it has no revision v9"):
        obtain(f"{ID}@v9")
    with pytest.raises(CheckpointError, match=r"^some/model: .* not fetched before; .*offline=True"):
        obtain(offline=True)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("W2V_JAX_HOME", str(tmp_path / "file"))
    with pytest.raises(CheckpointError, match=r"file: cannot be written .* set W2V_JAX_HOME"):
        obtain()
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(CheckpointError, match=r"pip install 'w2v_jax\[hub\]'"):
        obtain()


def test_what_is_here_is_taken_first_and_it_is_said(hub, tmp_path, caplog):
    save(tmp_path / "some-model")
    (tmp_path / "some").mkdir()
    (tmp_path / "some-model").rename(tmp_path / ID)
    assert load_encoder(ID).config == SMALL
    done = convert_checkpoint(ID, tmp_path / "out.safetensors")
    assert (done.provenance.source, done.provenance.revision) == ("model", None)
    assert [record.message.partition(", not ")[0] for record in caplog.records] == [
        "some/model: the folder here is taken"
    ] * 2
    for path in (pathlib.Path("no/such"), pathlib.Path("no/such.safetensors")):  # a path object is no name
        with pytest.raises(FileNotFoundError):
            load_encoder(path)
        with pytest.raises(FileNotFoundError):
            convert_checkpoint(path, tmp_path / "out.safetensors")
    assert num_requests(hub) == 0


# wherever a name goes


def test_encoders_by_id(hub, tmp_path, capsys):
    save(hub.folders[ID])
    hub.folders["other/model"] = hub.folders[ID]
    heard = Heard()
    names = [ID, "mine=some/model", f"{ID}@main", "log-mel"]
    chosen = resolving.resolve(names, listener=heard)
    assert [each.name for each in chosen] == ["some--model", "mine", "some--model@main", "log-mel"]
    assert {(each.kind, each.source, each.revision) for each in chosen[:3]} == {("trained", ID, hub_server.COMMIT)}
    assert chosen[0].digest == chosen[1].digest
    grouped = resolving.resolve(["both=some/model+other/model"], listener=heard)
    assert [(each.name, each.group) for each in grouped] == [("some--model", "both"), ("other--model", "both")]
    before = num_requests(hub)
    assert resolving.resolve([ID], offline=True)[0].digest == chosen[0].digest
    assert num_requests(hub) == before
    with pytest.raises(named.EncoderChoiceError, match=r"^--encoders=some/\*: .*the hub has no patterns; expected"):
        resolving.resolve(["some/*"])
    assert encoders.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    (row,) = (line.split() for line in lines if line.startswith("some/model "))
    assert " ".join(row) == "some/model 3 layers of 6, group norm 6 16000 0123456789ab some/model"


def test_the_papers_models_by_one_word(hub, tmp_path):
    for name in paper.MODELS:
        hub.folders[name] = hub.folders[ID]
    save(hub.folders[ID])
    chosen = resolving.resolve(["paper", "log-mel"], listener=Heard())
    assert [each.name for each in chosen] == [*(name.replace("/", "--") for name in paper.MODELS), "log-mel"]
    assert [model_of(each.source) for each in chosen] == ["Base", "Large", "XLS-R", None]
    obtained = obtain(next(iter(paper.MODELS)))
    (tmp_path / "weights").mkdir()
    obtained.path.rename(tmp_path / "weights" / "paper.safetensors")
    heard = Heard()
    assert [each.name for each in resolving.resolve(["paper"], listener=heard)] == ["paper"]
    assert heard.remarks == ["paper: the weight file here is taken, not the models of the paper"]


def test_convert_takes_several_sources_and_lists(hub, tmp_path, capsys):
    save(hub.folders[ID])
    hub.folders["other/model"] = hub.folders[ID]
    (tmp_path / "list.txt").write_text("# of two\nsome/model\n\nother/model@main  # this one, too\nno/such\n")
    assert convert(["--source=@list.txt", f"--source={ID}"]) == 1
    out, err = capsys.readouterr()
    rows = [line.split("  ") for line in out.splitlines()]
    assert [row[0] for row in rows] == ["source", "some/model", "other/model@main", "no/such"]
    assert "3 layers of 6, group norm" in out
    assert err.startswith("error: no/such: no such file here, and the hub answers 401")
    assert err.count("\n") == 1
    assert len(cache.encoders()) == 2
    folder = tmp_path / "folder"
    assert convert([f"--source={ID}", "--source=repository", f"--output={folder}", "--offline"]) == 1
    assert [path.name for path in folder.iterdir()] == ["repository.safetensors"]  # what was not fetched so is refused
    assert "not fetched before" in capsys.readouterr().err
    for arguments, message in {
        ("--source=@none.txt",): "--source=@none.txt: the list cannot be read (No such file or directory)",
        ("--source=repository",): "repository: no --output; expected a file",
        ("--source=repository", "--source=a/b"): "repository: no place to go to; expected --output=FOLDER",
        ("--source=a/b", "--source=c/d", "--output=a.safetensors"): "one file for 2 sources; expected a folder",
        (f"--source={ID}", "--config=wav2vec2"): "--config without --output",
    }.items():
        assert convert(arguments) == 1
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1


def test_convert_into_the_cache(hub, capsys):
    save(hub.folders[ID])
    assert convert([f"--source={ID}"]) == 0
    assert "fetched  " in capsys.readouterr().out
    assert convert([f"--source={ID}", "--offline"]) == 0
    assert f"found    some/model at {hub_server.COMMIT}, converted before" in capsys.readouterr().out


# names and places


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("facebook/wav2vec2-base", "facebook--wav2vec2-base"),
        ("a/b@main", "a--b@main"),
        ("a/b/c.d@refs/pr/1", "a--b--c.d@refs--pr--1"),
        ('a/b@v:1"', "a--b@v%3A1%22"),
    ],
)
def test_ids(text, safe):
    assert str(ids.parse(text)) == text
    assert ids.parse(text).safe_name == safe


@pytest.mark.parametrize(
    "text", ["a", "a/b.safetensors", "/a/b", "./a/b", "a/..", "a--b/c", "a/b/../c", "a/b@", "a b/c"]
)
def test_what_is_no_id(text):
    assert not ids.is_hub_id(text)
    with pytest.raises(CheckpointError, match="not a hub id"):
        ids.parse(text)


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.delenv("W2V_JAX_HOME", raising=False)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    places = {"linux": ".cache/w2v_jax", "darwin": "Library/Caches/w2v_jax", "win32": "AppData/Local/w2v_jax/Cache"}
    for platform, place in places.items():
        monkeypatch.setattr(sys, "platform", platform)
        assert cache.home() == tmp_path / place
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.home() == tmp_path / "xdg/w2v_jax"
    monkeypatch.setenv("W2V_JAX_HOME", "~/mine")
    assert cache.home() == tmp_path / "mine"


def test_pieces(tmp_path):
    kept = byte_spans.Pieces(tmp_path / "file")
    assert kept.missing((0, 10)) == [(0, 10)]
    kept.add(2, b"cde")
    kept.add(7, b"hi")
    (tmp_path / "file/9-20").write_bytes(b"short")  # as no process leaves one
    again = byte_spans.Pieces(tmp_path / "file")
    assert again.missing((0, 10)) == [(0, 2), (5, 7), (9, 10)]
    again.add(0, b"abcdefgh")
    assert again.missing((0, 10)) == [(9, 10)]
    assert again.read((1, 9)) == b"bcdefghi"
    with pytest.raises(OSError, match="a part of the download is gone"):
        again.read((1, 10))
    again.clear()
    assert not (tmp_path / "file").exists()
