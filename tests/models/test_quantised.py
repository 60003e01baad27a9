"""Quantised frozen weights: the numbers of the dequantised model, in fewer bytes, and everything that a run does."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from prefixrun import methods
from prefixrun.cli.main import main
from prefixrun.config.compose import compose
from prefixrun.config.schema import ModelConfig
from prefixrun.decoding.generate import generate
from prefixrun.errors import ConfigError, MissingPartError
from prefixrun.methods.base import Method
from prefixrun.models import quantised
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Row
from prefixrun.models.loading import load
from prefixrun.models.prepacked import prepacked_weights
from prefixrun.models.quantised import QuantisedLinear, is_quantised, weight_bytes
from prefixrun.results.export import export
from prefixrun.results.loaded import load as load_run
from prefixrun.results.lookup import find, open_run
from small_run import SMALL

MODELS = ("tiny_gpt2", "tiny_llama", "tiny_bart", "tiny_t5")
LARGEST_ERROR = {"int8": 0.08, "nf4": 0.8}
"""Of the logits of these models, whose weights are random and wide, as a share of their size."""
LORA = pytest.param("lora", marks=pytest.mark.needs("peft"))
every_kind = pytest.mark.parametrize("kind", ["int8", "nf4"])


def config_of(model: str) -> ModelConfig:
    return compose([f"model={model}"]).model


def quantised_of(model: str, kind: str, precision: str = "fp32") -> Backbone:
    return load(compose([f"model={model}", f"model.quantize={kind}"]).model, precision=precision)


def dequantised_of(backbone: Backbone, model: str) -> Backbone:
    """A plain backbone with the numbers that a quantised one multiplies with."""
    plain = load(config_of(model))
    for name, module in backbone.model.named_modules():
        if isinstance(module, QuantisedLinear):
            other = plain.model.get_submodule(name)
            other.weight.data.copy_(module.weight if isinstance(other, nn.Linear) else module.weight.T)  # type: ignore[operator]
    return plain


def states(method: Method, backbone: Backbone) -> Tensor:
    text = backbone.tokenizer
    rows = [Row(tuple(text.source(f"name {n}")), (tuple(text.target(f"{n} is")),)) for n in range(3)]
    with method.attach(backbone):
        return method.target_states(backbone, method.collate(backbone, rows, "token_mean"))


@pytest.mark.needs("torchao")
@every_kind
@pytest.mark.parametrize("model", MODELS)
def test_it_computes_what_the_dequantised_model_does_and_nearly_what_the_model_does(model: str, kind: str) -> None:
    backbone, plain = quantised_of(model, kind), load(config_of(model))
    config = compose([f"model={model}", "method=prefix_flat", "init=random", "prefix_len=3"])
    results = []
    for each in (backbone, dequantised_of(backbone, model)):
        method = methods.build(config, each)
        logits = each.logits(states(method, each))
        logits.square().sum().backward()
        results.append((logits.detach(), *(parameter.grad for parameter in method.parameters())))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    with torch.no_grad():
        exact = plain.logits(states(methods.build(config, plain), plain))
    error = float((results[0][0] - exact).norm() / exact.norm())
    assert 1e-4 < error < LARGEST_ERROR[kind]
    assert backbone.total == plain.total
    assert weight_bytes(backbone.model) < weight_bytes(plain.model)


@pytest.mark.needs("torchao")
def test_it_keeps_nothing_in_full_for_the_backward_pass() -> None:
    """Else quantising would save no memory while a prefix is trained."""
    backbone = quantised_of("tiny_llama", "int8")
    layer = next(module for module in backbone.model.modules() if isinstance(module, QuantisedLinear))
    saved: list[Tensor] = []
    x = torch.randn(2, layer.in_features, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: saved.append(tensor) or tensor, lambda tensor: tensor):
        layer(x).sum().backward()
    assert saved == []
    torch.testing.assert_close(x.grad, layer.weight.sum(0).expand(2, -1))


@pytest.mark.needs("torchao")
@every_kind
def test_projections_alone_are_quantised_and_copied_as_they_are(kind: str) -> None:
    backbone = quantised_of("tiny_gpt2", kind, "bf16")
    layers = [module for module in backbone.model.modules() if isinstance(module, QuantisedLinear)]
    assert len(layers) == 2 * 4
    assert {layer.weight.dtype for layer in layers} == {backbone.head.dtype} == {torch.bfloat16}
    assert not is_quantised(load(config_of("tiny_gpt2")).model)
    assert "lm_head.weight" in backbone.model.state_dict()
    again = copy.deepcopy(backbone.model)
    ids = torch.arange(12).view(2, 6)
    with torch.no_grad(), prepacked_weights(backbone.model):
        assert not any("forward" in vars(layer) for layer in layers)
        assert torch.equal(again(ids).logits, backbone.model(ids).logits)


@pytest.mark.needs("torchao")
@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("tiny_gpt2", "int8"),
        ("tiny_bart", "nf4"),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                ("tiny_gpt2", "nf4"),
                ("tiny_llama", "int8"),
                ("tiny_llama", "nf4"),
                ("tiny_bart", "int8"),
                ("tiny_t5", "int8"),
                ("tiny_t5", "nf4"),
            )
        ),
    ],
)
def test_a_run_trains_decodes_exports_and_is_opened_again(model: str, kind: str, tmp_path: Path) -> None:
    small = [word for word in SMALL if not word.startswith(("method.", "train.max_steps", "init."))]
    overrides = [*small, f"model={model}", f"model.quantize={kind}", "train.max_steps=20"]
    overrides += ["train.lr=0.1", "train.epochs=10", "train.eval_every=10", "method=prefix_flat"]
    assert main([*overrides, f"results_dir={tmp_path / 'results'}"]) == 0
    assert main([*overrides, f"results_dir={tmp_path / 'plain'}", "model.quantize=null"]) == 0
    ours, plain = (
        load_run(next((tmp_path / name / "runs").iterdir()))  # one run each
        for name in ("results", "plain")
    )
    assert ours.run_id != plain.run_id
    assert ours.result["parameters"] == plain.result["parameters"]
    history = ours.result["training"]["history"]
    assert [entry["step"] for entry in history] == [10, 20]
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    records = ours._record.generations()
    assert ours.generate([record["source"] for record in records]) == [record["output"] for record in records]
    opened = open_run(find(tmp_path / "results", ours.run_id))
    assert is_quantised(opened.backbone.model)
    exported = export(opened, "tensors", tmp_path / "prefix")
    assert "prefix of length 4" in exported.what
    if not opened.backbone.is_seq2seq:
        usage = export(opened, "cache", tmp_path / "cache").usage
        assert f"# The run's model is quantised ({kind}); these lines load it in full" in usage
    card = export(opened, "hub", tmp_path / "hub") and (tmp_path / "hub" / "README.md").read_text()
    assert f"weights quantised to {kind}" in card
    inputs = ours.inputs(["name : X"])
    with ours.attach() as attached:
        outputs = attached.generate(**inputs, **ours.generation_settings(beams=1))
    assert ours.texts(outputs, inputs) == ours.generate(["name : X"], beams=1)
    with pytest.raises(ConfigError, match=r"trained on a quantised model .* call attach\(\) without a model"):
        ours.attach(plain.model)


@pytest.mark.needs("torchao")
@every_kind
@pytest.mark.parametrize("method", ["adapter", "houlsby", LORA, "embedding", "infix"])
def test_other_methods_train_beside_frozen_weights(method: str, kind: str) -> None:
    words = {
        "adapter": ["method=adapter", "method.bottleneck=4"],
        "houlsby": ["method=adapter", "method.bottleneck=4", "method.adapter_form=houlsby"],
        "lora": ["method=lora", "method.rank=2"],
    }.get(method, [f"method={method}"])
    config = compose(["model=tiny_llama", f"model.quantize={kind}", "init=random", "prefix_len=2", *words])
    backbone = load(config.model)
    trained = methods.build(config, backbone)
    optimiser = torch.optim.Adam([each for each in trained.parameters() if each.requires_grad], lr=0.01)
    losses = []
    for _ in range(20):
        optimiser.zero_grad()
        loss = backbone.logits(states(trained, backbone)).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]
    trained.eval()
    tensors = {name: tensor.clone() for name, tensor in trained.trained_tensors().items()}
    restored = methods.restore(config, backbone, tensors)
    prompts, decode = [backbone.tokenizer.source("name 3")], replace(config.decode, max_new_tokens=5)
    outputs = []
    for each in (trained, restored):
        with torch.no_grad(), each.attach(backbone):
            outputs.append(generate(backbone, each, prompts, decode))
    assert outputs[0] == outputs[1]
    plain = methods.build(replace(config, model=replace(config.model, quantize=None)), load(config_of("tiny_llama")))
    assert plain.trained_count == trained.trained_count


@pytest.mark.needs("torchao", "peft")
def test_lora_beside_a_quantised_joint_projection_is_refused() -> None:
    config = compose(["model=tiny_gpt2", "model.quantize=int8", "method=lora", "method.rank=2"])
    with pytest.raises(ConfigError, match=r"^method=lora: updates the parts of .*c_attn of model=tiny_gpt2 one by one"):
        methods.refuse(config, load(config.model))


@pytest.mark.parametrize("words", [["method=finetune"], ["method=finetune_top", "method.layers=1"]])
def test_methods_that_train_the_weights_are_refused(words: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"model\.quantize=int8: method=finetune\w* trains the model's weights, "):
        compose(["model=tiny_gpt2", "model.quantize=int8", *words])


@every_kind
def test_the_missing_library_is_one_message(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantised, "find_spec", lambda name: None)
    message = rf"^model\.quantize={kind}: needs the package torchao: pip install 'prefixrun\[quantized\]'"
    with pytest.raises(MissingPartError, match=message):
        quantised_of("tiny_gpt2", kind)


def test_the_setting_is_not_part_of_a_run_without_it() -> None:
    assert config_of("tiny_gpt2").quantize is None
    with pytest.raises(ConfigError, match=r"model\.quantize=int3"):
        compose(["model.quantize=int3"])
