"""Whether a run that has diverged would do so again."""

from pathlib import Path

import pytest

from prefixrun.runs.configure import compose
from prefixrun.runs.diverged import known_divergence
from prefixrun.runs.identity import find_run

TINY = ("model=tiny_gpt2", "method=prefix_flat", "init=random")


@pytest.mark.parametrize(
    ("words", "is_known"),
    [
        ((), True),
        (("train.diverged_steps=11",), False),
        (("train.diverged_factor=null",), False),
        (("threads=1",), True),
    ],
)
def test_a_divergence_counts_for_the_settings_that_judged_it(
    words: tuple[str, ...], is_known: bool, tmp_path: Path
) -> None:
    where = f"results_dir={tmp_path}"
    config = compose([*TINY, where])
    run = find_run(config)
    assert known_divergence(run, config) is None
    with run.hold():
        run.fail("step 3: no number", {"factor": config.train.diverged_factor, "steps": config.train.diverged_steps})
    assert run.state() == "diverged"
    other = compose([*TINY, where, *words])
    assert find_run(other).id == run.id
    error = known_divergence(find_run(other), other)
    assert (error is not None) is is_known
    if error:
        assert error.exit_code == 6
        assert "step 3: no number" in str(error)
        assert str(run.directory) in str(error)


def test_a_failure_is_no_divergence(tmp_path: Path) -> None:
    config = compose([*TINY, f"results_dir={tmp_path}"])
    run = find_run(config)
    with run.hold():
        run.fail("no luck")
    assert run.state() == "failed"
    assert known_divergence(run, config) is None
    run.failed_json.write_text("{")
    assert run.state() == "failed"
    assert known_divergence(run, config) is None
