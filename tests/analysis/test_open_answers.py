"""What answers to open questions share."""

from pathlib import Path

from open_records import write
from prefixrun.analysis.open_answers import dev_losses, picture_name, whole_model
from prefixrun.results.records import load_records


def test_losses_stand_in_the_order_of_the_seeds_and_a_picture_has_the_name_of_the_whole_model(tmp_path: Path) -> None:
    for seed in (9, 2):
        write(tmp_path, 1.0 + seed, seed=seed, **{"model.layers": 10, "model.name": "smollm2_135m_first10"})
    write(tmp_path, None, seed=3)
    records = load_records(tmp_path).runs
    assert list(dev_losses(records).items()) == [((0, 2), 3.0), ((0, 9), 10.0)]
    (probe, *_) = (record for record in records if record.dev_loss is not None)
    assert whole_model(probe) == "smollm2_135m"
    assert picture_name("scale", probe, "e2e-webnlg, length 5") == "open_scale-e2e-smollm2_135m-e2e-webnlg_length5"
