"""What needs more memory than there is, is refused with both numbers before it is allocated."""

import pytest

from prefixrun.errors import ConfigError
from prefixrun.models.backbone import Backbone
from prefixrun.runs import memory_estimate
from prefixrun.runs.configure import compose
from prefixrun.runs.memory_estimate import refuse_too_large


@pytest.mark.parametrize(
    ("overrides", "setting"),
    [
        (["method=prefix_flat", "prefix_len=100000000"], "prefix_len=100000000"),
        (["method.mid_dim=100000000"], "method.mid_dim=100000000"),
        (["method=prefix_gated", "method.mid_dim=200000000", "prefix_len=100000000"], "prefix_len=100000000"),
        (["method=adapter", "method.bottleneck=100000000"], "method.bottleneck=100000000"),
        (["decode.beams=100000000"], "decode.beams=100000000"),
        (["train.batch_size=100000000"], "train.batch_size=100000000"),
    ],
)
def test_what_cannot_fit_is_refused(
    overrides: list[str], setting: str, backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_estimate, "memory_bytes", lambda device: 2**32)
    config = compose(["model=tiny_gpt2", "init=random", *overrides])
    with pytest.raises(
        ConfigError,
        match=rf"^{setting}: .* need at least .* GiB beside the model's 0\.0 GiB, and there are 4\.0 GiB of memory",
    ):
        refuse_too_large(config, backbone, 4, [30] * 2_000_000)


def test_what_runs_today_is_taken(backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_estimate, "memory_bytes", lambda device: 2**30)
    refuse_too_large(compose(["model=tiny_gpt2"]), backbone, 100, [30] * 2_000_000)
    refuse_too_large(compose(["model=tiny_gpt2", "train.batch_size=100000000"]), backbone, 100, [30] * 300)
    monkeypatch.setattr(memory_estimate, "memory_bytes", lambda device: None)
    refuse_too_large(compose(["decode.beams=100000000"]), backbone, 100)
