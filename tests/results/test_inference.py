"""Finished runs used on inputs of one's own: alone, together in a batch, combined, and through files."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from prefixrun.cli import main
from prefixrun.config.compose import compose
from prefixrun.config.schema import DecodeConfig
from prefixrun.decoding.beam_search import generate
from prefixrun.errors import ConfigError, DamagedStateError, PrefixrunError
from prefixrun.methods import lora as lora_method
from prefixrun.methods import peft_format
from prefixrun.methods.mixed_batch import MixedPrefixes
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.models.backbone import Backbone, load
from prefixrun.results.inference import from_prefix, from_runs, outputs
from prefixrun.results.lookup import find, open_run

SOURCES = ["name : Aromi | Type : pub", "name : Cocum | Type : coffee shop | food : Chinese", "name : X"]
BEAM = DecodeConfig(name="t", beams=3, max_new_tokens=9, length_norm="generated", ban_newlines=False, batch_size=8)


def ids(results: Path) -> list[str]:
    found = [json.loads(path.read_text()) for path in (results / "runs").glob("*/result.json")]
    return [result["run_id"] for result in sorted(found, key=lambda result: result["seed"])]


def a_prefix(backbone: Backbone, length: int, seed: int) -> Tensor:
    shape = backbone.shape
    size = (shape.layers, 2, shape.kv_heads, length, shape.head_dim)
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


def test_prefixes_of_different_lengths_share_a_batch(backbone: Backbone) -> None:
    flats = [{"decoder": a_prefix(backbone, length, length)} for length in (2, 5, 3)]
    prompts = [backbone.tokenizer.source(source) for source in SOURCES]
    rows = [(number, prompt) for number in range(3) for prompt in prompts]
    method = MixedPrefixes(flats, [number for number, _ in rows])
    together = generate(backbone, method, [prompt for _, prompt in rows], BEAM)
    apart = [output for flat in flats for output in generate(backbone, FixedPrefix(flat), prompts, BEAM)]
    assert together == apart
    assert apart[:3] != apart[3:6]


def test_a_run_writes_again_what_it_wrote(results: Path) -> None:
    for run in ids(results):
        record = find(results, run[:6])
        (again,) = outputs(from_runs(results, [run]), [each["source"] for each in record.generations()])
        assert again == [each["output"] for each in record.generations()]


def test_runs_together_write_what_they_write_alone(results: Path) -> None:
    both = outputs(from_runs(results, ids(results)), SOURCES)
    assert both == [outputs(from_runs(results, [run]), SOURCES)[0] for run in ids(results)]
    assert both[0] != both[1]


def test_prefixes_are_combined(results: Path) -> None:
    (one,) = from_runs(results, ids(results), combine="concatenate")
    assert one.method.offset == 8
    with pytest.raises(ConfigError, match="length"):
        from_runs(results, ids(results), combine="average")


@pytest.mark.parametrize("kind", ["tensors", "peft"])
def test_an_exported_prefix_comes_back(results: Path, tmp_path: Path, kind: str) -> None:
    (run, _), out = ids(results), tmp_path / "exported"
    assert main.main(["export", f"run={run}", f"out={out}", f"format={kind}", f"results_dir={results}"]) == 0
    assert outputs(from_prefix(out, "tiny_llama", "greedy"), SOURCES)
    opened = open_run(find(results, run))
    back = peft_format.read_prefix(out, opened.backbone)
    assert torch.equal(back["decoder"], opened.method.key_values(opened.backbone)["decoder"])


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of transformers, about what PEFT reads
def test_peft_generates_the_same_from_an_export(backbone: Backbone, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="the extra peft is not installed")
    flat = {"decoder": a_prefix(backbone, 4, 0)}
    peft_format.write_peft(tmp_path / "peft", flat, base_model="tiny")
    greedy = DecodeConfig(
        name="t", beams=1, max_new_tokens=8, length_norm="generated", ban_newlines=False, batch_size=1
    )
    prompt = backbone.tokenizer.source(SOURCES[0])
    (ours,) = generate(backbone, FixedPrefix(flat), [prompt], greedy)
    backbone.model.set_attn_implementation("eager")
    model = peft.PeftModel.from_pretrained(backbone.model, tmp_path / "peft").eval()
    theirs = model.generate(
        input_ids=torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        max_new_tokens=8,
        do_sample=False,
        pad_token_id=257,
    )
    written = theirs[0, len(prompt) :].tolist()
    assert written[: len(ours)] == ours


@pytest.mark.parametrize("modules", ["qv", "all"])
@pytest.mark.parametrize("tiny", ["tiny_gpt2", "tiny_llama", "tiny_bart", "tiny_t5"])
@pytest.mark.filterwarnings("ignore::FutureWarning")  # of transformers, about what PEFT reads
def test_peft_computes_the_same_from_an_exported_lora(tmp_path: Path, tiny: str, modules: str) -> None:
    peft = pytest.importorskip("peft", reason="the extra peft is not installed")
    settings = compose([f"model={tiny}", "method=lora", "method.rank=2", f"method.lora_modules={modules}"])
    backbone = load(settings.model)
    method = lora_method.build(settings, backbone)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter.copy_(torch.randn_like(parameter) / 4)
    peft_format.write_peft_lora(tmp_path / "lora", method, backbone, base_model=tiny)
    given = {"input_ids": torch.tensor([[5, 6, 7, 8]])}
    if backbone.is_seq2seq:
        given["decoder_input_ids"] = torch.tensor([[2, 9, 11]])
    plain = backbone.model(**given).logits
    with method.attach(backbone):
        ours = backbone.model(**given).logits
    theirs = peft.PeftModel.from_pretrained(backbone.model, tmp_path / "lora").eval()(**given).logits
    torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(plain, ours, atol=1e-2)


def test_what_a_method_without_a_prefix_leaves(
    short: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "results"
    given = [*short[:-1], "model=tiny_llama", "method=lora", "method.rank=1", f"results_dir={directory}"]
    assert main.main(given) == 0
    (run,) = ids(directory)
    capsys.readouterr()
    arguments = ["export", f"run={run}", f"out={tmp_path / 'out'}", f"results_dir={directory}"]
    assert main.main(arguments) == 2
    assert "method=lora has no prefix; format=peft takes its updates" in " ".join(capsys.readouterr().err.split())
    assert main.main([*arguments, "format=peft"]) == 0
    assert "LoRA of rank 1 for tiny_llama" in " ".join(capsys.readouterr().out.split())


Break = Callable[[Path, Backbone], None]


def other_model(path: Path, backbone: Backbone) -> None:
    peft_format.write_tensors(path, {"decoder": a_prefix(backbone, 2, 0)}, model="gpt2", sha256="0" * 64)


def other_shape(path: Path, backbone: Backbone) -> None:
    path.write_bytes(save({"decoder": torch.zeros(1, 2, 3, 4, 5)}))


def whole_numbers(path: Path, backbone: Backbone) -> None:
    path.write_bytes(save({"decoder": a_prefix(backbone, 2, 0).to(torch.int64)}))


def not_finite(path: Path, backbone: Backbone) -> None:
    path.write_bytes(save({"decoder": a_prefix(backbone, 2, 0) / 0}))


def other_site(path: Path, backbone: Backbone) -> None:
    path.write_bytes(save({"cross": a_prefix(backbone, 2, 0)}))


def beyond_float32(path: Path, backbone: Backbone) -> None:
    path.write_bytes(save({"decoder": a_prefix(backbone, 2, 0).double() * 1e300}))


def of_8_bits(path: Path, backbone: Backbone) -> None:
    path.write_bytes(save({"decoder": a_prefix(backbone, 2, 0).to(torch.float8_e4m3fn)}))


def header_without_its_keys(path: Path, backbone: Backbone) -> None:
    path.write_bytes(save({"decoder": a_prefix(backbone, 2, 0)}, {"format": peft_format.FORMAT}))


def device(path: Path, backbone: Backbone) -> None:
    path.symlink_to("/dev/full")


def damaged(path: Path, backbone: Backbone) -> None:
    path.write_bytes(b"no tensors")


def lora(path: Path, backbone: Backbone) -> None:
    path.mkdir()
    (path / "adapter_config.json").write_text('{"peft_type": "LORA"}')


def peft_for_another_model(path: Path, backbone: Backbone) -> None:
    peft_format.write_peft(path, {"decoder": torch.zeros(1, 2, 3, 4, 5)}, base_model="other")


def empty_directory(path: Path, backbone: Backbone) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (other_model, ConfigError, "is a prefix for gpt2 with SHA-256 000000000000; this model is"),
        (other_shape, ConfigError, r"has the shape \(1, 2, 3, 4, 5\); for this model it is"),
        (whole_numbers, ConfigError, "holds torch.int64"),
        (not_finite, DamagedStateError, "not finite"),
        (beyond_float32, DamagedStateError, "not finite in float32"),
        (of_8_bits, ConfigError, "holds torch.float8_e4m3fn"),
        (header_without_its_keys, DamagedStateError, "its header has no model_sha256"),
        (device, DamagedStateError, "is no file"),
        (other_site, ConfigError, "holds cross; a prefix for this model has tensors called decoder"),
        (damaged, DamagedStateError, "no safetensors file; export the prefix again"),
        (lora, ConfigError, "peft_type is LORA; only PREFIX_TUNING is a prefix"),
        (peft_for_another_model, ConfigError, "prompt_embeddings has the shape"),
        (empty_directory, DamagedStateError, "no PEFT configuration; save it again"),
    ],
)
def test_a_foreign_or_damaged_prefix_is_refused(
    backbone: Backbone, tmp_path: Path, spoil: Break, error: type[PrefixrunError], message: str
) -> None:
    spoil(tmp_path / "prefix", backbone)
    with pytest.raises(error, match=message):
        peft_format.read_prefix(tmp_path / "prefix", backbone)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["text=x"], "give run=ID, or prefix=PATH with model=NAME"),
        (["run=a"], "give text=TEXT or file=FILE"),
        (["prefix=p", "text=x"], "model: is missing"),
        (["run=a", "text=x", "combine=multiply"], "combine=multiply: there are concatenate, average"),
        (["run=,", "text=x"], "run=,: names no run"),
        (["run=a", "text= "], "text: is blank"),
        (["run=a", "text=\udcff"], "text: has bytes that are not UTF-8"),
        (["run=", "text=x"], "run=: has no value"),
    ],
)
def test_arguments_that_do_not_go_together(
    given: Sequence[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["generate", *given]) == 2
    assert message in capsys.readouterr().err


def test_a_file_of_inputs_to_a_file_of_outputs(results: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("\n".join(SOURCES) + "\n")
    given = [f"run={','.join(ids(results))}", f"file={tmp_path / 'in.txt'}", f"out={tmp_path / 'out.jsonl'}"]
    assert main.main(["generate", *given, f"results_dir={results}"]) == 0
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [record["source"] for record in records] == SOURCES * 2
    assert [record["run"] for record in records] == [run for run in ids(results) for _ in SOURCES]


@pytest.mark.parametrize("text", ["word " * 5000, "w" * 1_000_000])
def test_an_input_that_does_not_fit(results: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (run, *_) = ids(results)
    assert main.main(["generate", f"run={run}", f"text={text}", f"results_dir={results}"]) == 2
    message = capsys.readouterr().err
    assert "of input 1" in message
    assert message.count("\n") == 1
    assert len(message) < 500


@pytest.mark.parametrize(
    ("length", "scale", "code", "said"), [(2000, 1.0, 2, "2000 of prefix"), (2, 1e38, 5, "not finite")]
)
def test_a_prefix_that_cannot_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], length: int, scale: float, code: int, said: str
) -> None:
    backbone = load(compose(["model=tiny_gpt2"]).model)
    (tmp_path / "prefix").write_bytes(save({"decoder": a_prefix(backbone, length, 0) * scale}))
    assert main.main(["generate", f"prefix={tmp_path / 'prefix'}", "model=tiny_gpt2", "text=a"]) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


def test_lines_of_windows_are_the_same_inputs(results: Path, tmp_path: Path) -> None:
    (run, *_) = ids(results)
    written = []
    for name, end in (("lf", "\n"), ("crlf", "\r\n")):
        (tmp_path / name).write_text("".join(source + end for source in SOURCES), newline="")
        out = tmp_path / f"{name}.jsonl"
        assert (
            main.main(["generate", f"run={run}", f"file={tmp_path / name}", f"out={out}", f"results_dir={results}"])
            == 0
        )
        written.append(out.read_bytes())
    assert written[0] == written[1]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"one\n\xe9\n", ":2: byte 0xe9 is not UTF-8"),
        (b"one\n\n", ":2: is empty"),
        (b"", ": the file is empty"),
    ],
)
def test_a_file_of_inputs_that_is_wrong(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes, said: str
) -> None:
    (tmp_path / "in.txt").write_bytes(data)
    given = ["generate", f"run={ids(results)[0]}", f"results_dir={results}"]
    assert main.main([*given, f"file={tmp_path / 'in.txt'}"]) == 3
    assert capsys.readouterr().err.startswith(f"prefixrun: {tmp_path / 'in.txt'}{said}")
    for name in ("/dev/full", str(tmp_path)):
        assert main.main([*given, f"file={name}"]) == 3
        assert capsys.readouterr().err.startswith(f"prefixrun: {name}: ")
