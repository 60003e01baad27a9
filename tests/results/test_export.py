"""Exports: the lines that are printed with them are executed, and write what the run writes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from prefixrun.cli.main import main
from prefixrun.errors import ConfigError, MissingPartError
from prefixrun.models.architectures import random_model
from prefixrun.models.tokenizer import byte_tokenizer
from prefixrun.models.transformers_names import CACHE
from prefixrun.results import export as exports
from prefixrun.results.export import export, loadable_name, push
from prefixrun.results.loaded import load
from prefixrun.results.lookup import OpenedRun, find, open_run

INPUT = "name : The Eagle | Type : pub"
PEFT = pytest.mark.filterwarnings("ignore::FutureWarning")  # of transformers, about what PEFT reads


@pytest.fixture(scope="module")
def model_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model as save_pretrained() writes it."""
    directory = tmp_path_factory.mktemp("model")
    random_model("tiny_llama").save_pretrained(directory)
    byte_tokenizer("paper").base.save_pretrained(directory)  # type: ignore[attr-defined]
    return directory


@pytest.fixture(scope="module", params=["greedy", "beam5_modern"])
def opened(
    request: pytest.FixtureRequest, model_directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> OpenedRun:
    """A finished run of that model."""
    results = tmp_path_factory.mktemp("results")
    words = ["train.max_steps=6", "train.warmup_steps=0", "train.lr=0.1", "test_size=3", f"decode={request.param}"]
    words += ["decode.max_new_tokens=8", "method=prefix_flat", "model=path", f"model.path={model_directory}"]
    assert main([*words, "prefix_len=3", f"results_dir={results}"]) == 0
    (run,) = (results / "runs").iterdir()
    return open_run(find(results, run.name.rpartition("-")[2]), model_path=str(model_directory))


def printed(usage: str) -> str:
    stream = StringIO()
    with redirect_stdout(stream):
        exec(usage, {})  # noqa: S102 - our own lines
    return stream.getvalue().strip()


def written_by(opened: OpenedRun) -> str:
    run = load(opened.record.directory, model_path=opened.config.model.path)
    return run.generate([INPUT])[0]


LOST = pytest.mark.skipif(CACHE == "cache", reason="PEFT loses prefixes with this transformers: the export is refused")


@PEFT
@pytest.mark.parametrize("kind", [pytest.param("peft", marks=[LOST, pytest.mark.needs("peft")]), "cache"])
def test_the_printed_lines_write_what_the_run_writes(opened: OpenedRun, kind: str, tmp_path: Path) -> None:
    exported = export(opened, kind, tmp_path / "out")
    assert f"prefix of length 3 for local, from run {opened.record.run_id}" in exported.what
    assert kind != "peft" or "; tried here with peft" in exported.what
    assert printed(exported.usage) == written_by(opened)


@pytest.mark.needs("peft")
@PEFT
def test_a_format_that_loses_the_prefix_is_refused_and_not_written(
    opened: OpenedRun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As the library did that ignored what PEFT handed over."""
    monkeypatch.setattr(exports, "_greedy", lambda model, prompt, end: [1, 2, 3])
    with pytest.raises(ConfigError, match="the prefix is lost"):
        export(opened, "peft", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    exported = export(opened, "hub", tmp_path / "hub")
    assert exported.what.startswith("prefix.safetensors, cache.safetensors, result.json, README.md")


@LOST
@pytest.mark.needs("peft")
@PEFT
@pytest.mark.parametrize(
    "changed",
    [{"sample": True, "beams": 1, "outputs": 2, "seed": 3, "temperature": 9.0}, {"repetition_penalty": 5.0}],
    ids=["samples", "repetition_penalty"],
)
def test_a_prefix_is_tried_by_greedy_search_whatever_the_run_decodes_with(
    opened: OpenedRun, changed: dict[str, Any], tmp_path: Path
) -> None:
    other = replace(opened, config=replace(opened.config, decode=replace(opened.config.decode, **changed)))
    assert "; tried here with peft" in export(other, "peft", tmp_path / "out").what


def test_without_peft_the_export_says_that_it_was_not_tried(
    opened: OpenedRun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(exports.importlib, "import_module", missing)
    assert "not tried, because peft is not installed here" in export(opened, "peft", tmp_path / "out").what


@contextmanager
def a_hub(status: int = 200) -> Iterator[dict[str, Any]]:
    """The part of the hub's API that an upload of small files uses."""
    state: dict[str, Any] = {"files": {}, "created": []}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if status != 200:
                self._answer({"error": "no such token"}, status)
            elif self.path == "/api/repos/create":
                state["created"].append(json.loads(body))
                self._answer({"url": f"{state['address']}/me/run", "name": "me/run", "id": "me/run"})
            elif self.path == "/api/validate-yaml":
                self._answer({"errors": [], "warnings": []})
            elif "/preupload/" in self.path:
                listed = json.loads(body)["files"]
                small = {"uploadMode": "regular", "shouldIgnore": False}
                self._answer({"files": [{"path": each["path"], **small} for each in listed]})
            else:
                for line in body.splitlines():
                    entry = json.loads(line)
                    if entry["key"] == "file":
                        state["files"][entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
                self._answer({"commitUrl": f"{state['address']}/me/run/commit/0", "commitOid": "0" * 40})

        def do_GET(self) -> None:
            self._answer({"id": "me/run", "sha": "0" * 40, "siblings": []})

        def _answer(self, content: object, code: int = 200) -> None:
            data = json.dumps(content).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state["address"] = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


NAMES = ("README.md", "prefix.safetensors")


@pytest.fixture
def a_directory(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "README.md").write_text("---\ntags: [x]\n---\n# A run\n", encoding="utf-8")
    (tmp_path / "out" / "prefix.safetensors").write_bytes(bytes(range(200)))
    (tmp_path / "out" / ".env").write_text("API_KEY=mine, and no part of the export")
    return tmp_path / "out"


@pytest.mark.usefixtures("online")
def test_a_directory_is_uploaded(a_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_hub() as hub:
        monkeypatch.setattr("huggingface_hub.HfApi", lambda: _api(hub["address"]))
        assert push(a_directory, NAMES, "me/run") == f"{hub['address']}/me/run"
    assert "private" in json.dumps(hub["created"])
    assert hub["files"] == {name: (a_directory / name).read_bytes() for name in NAMES}


@pytest.mark.usefixtures("online")
@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_of_the_hub_is_one_message(a_directory: Path, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_hub(status) as hub:
        monkeypatch.setattr("huggingface_hub.HfApi", lambda: _api(hub["address"]))
        with pytest.raises(MissingPartError, match="push=me/run: the hub did not take it"):
            push(a_directory, NAMES, "me/run")


def _api(address: str) -> Any:
    from huggingface_hub.hf_api import HfApi

    return HfApi(endpoint=address, token="hf_test")  # noqa: S106 - no secret


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> OpenedRun:
    """A finished run in the frame of a chat template, with an instruction."""
    model, results = tmp_path_factory.mktemp("chat_model"), tmp_path_factory.mktemp("chat_results")
    random_model("tiny_llama").save_pretrained(model)
    byte_tokenizer("chat").base.save_pretrained(model)  # type: ignore[attr-defined]
    words = ["train.max_steps=6", "train.warmup_steps=0", "train.lr=0.1", "test_size=3", "decode=beam5_modern"]
    words += ["decode.max_new_tokens=8", "method=prefix_flat", "model=path", f"model.path={model}"]
    words += ["model.layout=chat", "task.instruction='Say it, in a sentence:'"]
    assert main([*words, "prefix_len=3", f"results_dir={results}"]) == 0
    (run,) = (results / "runs").iterdir()
    return open_run(find(results, run.name.rpartition("-")[2]), model_path=str(model))


PROMPT_OF_CHAT = "user: Say it, in a sentence:\nINPUT<|end|>assistant: "


@PEFT
@pytest.mark.parametrize("kind", ["tensors", "cache", "hub"])
def test_a_chat_leaves_with_its_frame(chat: OpenedRun, kind: str, tmp_path: Path) -> None:
    exported = export(chat, kind, tmp_path / "out")
    if kind == "tensors":
        assert exported.usage.endswith("run.attach(model)  # see docs/PYTHON.md")
        return
    if kind == "cache":
        assert f"prompt = {PROMPT_OF_CHAT!r}.replace(" in exported.usage
        assert " ".join(printed(exported.usage).split()) == written_by(chat)
        return
    card = (tmp_path / "out" / "README.md").read_text()
    local = repr(loadable_name(chat))
    assert local in exported.usage
    assert local not in card, "a path of this machine says nothing elsewhere"
    assert exported.usage.replace(local, "'DIRECTORY OF THE MODEL'") in card
    assert f"prompt = {PROMPT_OF_CHAT!r}.replace(" in card


def test_a_chat_is_attached_with_its_frame(chat: OpenedRun) -> None:
    run = load(chat.record.directory, model_path=chat.config.model.path)
    inputs = run.inputs([INPUT])
    assert chat.backbone.tokenizer.base.decode(inputs["input_ids"][0].tolist()) == PROMPT_OF_CHAT.replace(
        "INPUT", INPUT
    )
    with run.attach() as model:
        outputs = model.generate(**inputs, **run.generation_settings())
    assert run.texts(outputs, inputs) == [written_by(chat)]
