import pytest
import torch
from benchmarks.limit import Limit
from benchmarks.products import Product, sizes_of

from prefixrun.config.compose import compose
from prefixrun.models.loading import load


@pytest.fixture
def limit() -> Limit:
    limit = object.__new__(Limit)
    limit.device, limit.dtype = torch.device("cpu"), torch.float32
    return limit


@pytest.mark.parametrize(
    "product", [Product(3, 4, 5), Product(3, 5, 4, is_backward=True), Product(3, 4, 5, batch=2)], ids=str
)
def test_every_operator_gives_the_size_that_the_product_has(limit: Limit, product: Product) -> None:
    candidates = limit._batched(product) if product.batch else limit._with_weights(product)
    batch = (product.batch,) if product.batch else ()
    assert len(candidates) >= 2
    for candidate in candidates:
        result = candidate()
        assert isinstance(result, torch.Tensor)
        assert result.shape == (*batch, product.rows, product.columns)
        torch.testing.assert_close(result, torch.full_like(result, product.inner))  # of ones


@pytest.mark.parametrize("name", ["tiny_gpt2", "tiny_llama", "tiny_bart", "tiny_t5"])
def test_the_sizes_are_those_of_the_model(name: str) -> None:
    backbone = load(compose([f"model={name}"]).model)
    sizes = sizes_of(backbone, 10)
    assert len(sizes.blocks) == backbone.shape.layers
    assert len(sizes.encoder) == (backbone.shape.layers if backbone.is_seq2seq else 0)
    assert len(sizes.cross) == 2 * len(sizes.encoder)
    every = (*sizes.blocks, *sizes.encoder, sizes.cross)
    weights = sum(ingoing * outgoing for block in every for ingoing, outgoing, _ in block)
    in_blocks = sum(
        parameter.numel()
        for key, parameter in backbone.model.named_parameters()
        if ".h." in key or ".layers." in key or ".block." in key
        if parameter.dim() == 2 and "bias" not in key
    )
    assert weights == in_blocks
    inputs = [layer for layer in sizes.blocks[0] if layer[2]]
    assert len(inputs) == (1 if name == "tiny_gpt2" else 3)
