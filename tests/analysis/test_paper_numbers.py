"""The paper's numbers: typed here a second time, by hand, and counted table by table."""

from collections import Counter
from pathlib import Path

import pytest

from prefixrun.analysis import paper_numbers
from prefixrun.analysis.paper_numbers import CONTENTS, Content, Row, load, published, rows
from prefixrun.errors import DamagedStateError

ALL = [(content, row) for content in CONTENTS for row in load(content)]

# version, task, split, model, method, share → all numbers of the row, in the order of the paper's columns
TYPED_BY_HAND = {
    ("v1", "e2e", "test", "gpt2_medium", "finetune", ""): "68.2 8.62 46.2 71.0 2.47",
    ("ACL", "e2e", "test", "gpt2_medium", "finetune", ""): "68.8 8.71 46.1 71.1 2.43",
    ("v1", "e2e", "test", "gpt2_medium", "finetune_top", ""): "68.1 8.59 46.0 70.8 2.41",
    ("ACL", "e2e", "test", "gpt2_medium", "adapter", "3%"): "68.9 8.71 46.1 71.3 2.47",
    ("v1", "e2e", "test", "gpt2_medium", "adapter", "0.1%"): "66.3 8.41 45.0 69.8 2.40",
    ("v1", "e2e", "test", "gpt2_medium", "prefix", "0.1%"): "69.7 8.81 46.1 71.4 2.49",
    ("ACL", "e2e", "test", "gpt2_medium", "prefix", "0.1%"): "70.3 8.82 46.3 72.1 2.46",
    ("v1", "e2e", "test", "gpt2_large", "finetune", ""): "68.5 8.78 46.0 69.9 2.45",
    ("ACL", "e2e", "test", "gpt2_large", "prefix", ""): "70.3 8.85 46.2 71.7 2.47",
    ("ACL", "e2e", "test", "", "sota", ""): "68.6 8.70 45.3 70.8 2.37",
    ("v1", "webnlg", "test", "gpt2_medium", "finetune", ""): "64.2 27.7 46.5 0.45 0.30 0.38 0.33 0.76 0.53",
    ("ACL", "webnlg", "test", "gpt2_medium", "finetune", ""): "64.7 26.7 45.7 0.46 0.30 0.38 0.33 0.78 0.54",
    ("v1", "webnlg", "test", "gpt2_medium", "adapter", "3%"): "60.4 48.3 54.9 0.43 0.38 0.41 0.35 0.45 0.39",
    ("ACL", "webnlg", "test", "gpt2_medium", "adapter", "3%"): "60.5 47.9 54.8 0.43 0.38 0.41 0.35 0.46 0.39",
    ("v1", "webnlg", "test", "gpt2_medium", "prefix", "0.1%"): "62.9 45.6 55.1 0.44 0.38 0.41 0.35 0.49 0.41",
    ("ACL", "webnlg", "test", "gpt2_medium", "prefix", "0.1%"): "62.9 45.3 55.0 0.44 0.37 0.41 0.35 0.51 0.42",
    ("v1", "webnlg", "test", "gpt2_large", "prefix", ""): "63.4 47.7 56.3 0.45 0.39 0.42 0.34 0.48 0.40",
    ("v1", "webnlg", "test", "t5_large", "sota", ""): "63.9 52.8 57.1 0.46 0.41 0.44",
    ("v1", "dart", "test", "gpt2_medium", "finetune_top", ""): "41.0 0.34 0.56 0.43 0.93 0.21",
    ("ACL", "dart", "test", "gpt2_medium", "prefix", "0.1%"): "46.4 0.38 0.46 0.50 0.94 0.39",
    ("ACL", "dart", "test", "gpt2_large", "finetune", ""): "47.0 0.39 0.46 0.51 0.94 0.40",
    ("v1", "xsum", "test", "bart_large", "finetune", ""): "45.14 22.27 37.25",
    ("ACL", "xsum", "test", "bart_large", "prefix", "2%"): "43.80 20.93 36.05",
    ("v1", "xsum", "test", "bart_large", "prefix", "0.1%"): "42.92 20.03 35.05",
    ("ACL", "xsum", "dev", "bart_large", "prefix", "2%"): "43.30 20.35 35.21",
    ("ACL", "xsum", "dev", "bart_large", "prefix", "0.1%"): "41.54 18.56 33.13",
    ("v1", "xsum_news_to_sports", "test", "bart_large", "finetune", ""): "38.15 15.51 30.26",
    ("ACL", "xsum_news_to_sports", "test", "bart_large", "prefix", ""): "39.23 16.74 31.51",
    ("ACL", "xsum_within_news", "test", "bart_large", "finetune", ""): "39.20 16.35 31.15",
    ("v1", "xsum_within_news", "test", "bart_large", "prefix", ""): "39.41 16.87 31.47",
    ("ACL", "e2e", "dev", "gpt2_medium", "prefix", "0.1%"): "74.8 8.80 49.4 76.8 2.69",
    ("ACL", "e2e", "dev", "gpt2_large", "finetune", ""): "72.1 8.62 48.5 75.1 2.56",
    ("ACL", "webnlg", "dev", "gpt2_medium", "finetune", ""): "66.03 0.47 0.30",
    ("ACL", "webnlg", "dev", "gpt2_large", "prefix", ""): "64.11 0.46 0.33",
    ("ACL", "dart", "dev", "gpt2_medium", "adapter", "0.1%"): "44.72 0.38 0.47 0.47 0.94 0.35",
    ("ACL", "dart", "dev", "gpt2_large", "prefix", ""): "50.84 0.41 0.43 0.52 0.95 0.42",
}


@pytest.mark.parametrize(("key", "numbers"), TYPED_BY_HAND.items(), ids=str)
def test_the_cells_are_the_printed_ones(key: tuple[str, ...], numbers: str) -> None:
    version, task, split, model, method, params = key
    found = [
        row
        for row in rows(task, split=split)
        if (row.version, row.model, row.method, row.params) == (version, model, method, params)
    ]
    assert len(found) == 1
    assert [cell.printed for cell in found[0].cells] == numbers.split()
    assert [cell.value for cell in found[0].cells] == [float(number) for number in numbers.split()]


@pytest.mark.parametrize(
    ("method", "length", "numbers"),
    [
        ("prefix", 5, "70.3 8.82 46.3 72.1 2.46"),
        ("embedding", 1, "48.1 3.33 32.1 60.2 1.10"),
        ("embedding", 10, "62.2 6.70 38.6 66.4 1.75"),
        ("embedding", 20, "61.9 7.11 39.3 65.6 1.85"),
        ("infix", 1, "67.9 8.63 45.8 69.4 2.42"),
        ("infix", 10, "67.2 8.48 45.8 69.9 2.40"),
        ("infix", 20, "66.7 8.47 45.8 70.0 2.42"),
    ],
)
def test_the_ablations_are_the_printed_ones(method: str, length: int, numbers: str) -> None:
    found = [row for row in load("ablations") if (row.method, row.prefix_len) == (method, length)]
    published = next(row for row in found if row.version == "ACL")
    assert [cell.printed for cell in published.cells] == numbers.split()
    if method != "prefix":
        assert [row.cells for row in found if row.version == "v1"] == [published.cells]


@pytest.mark.parametrize(
    ("task", "numbers"),
    [
        ("e2e", "50000 28.5 27.8"),
        ("webnlg", "22000 49.6 30.7"),
        ("dart", "82000 38.8 27.3"),
        ("xsum", "225000 473.3 28.1"),
    ],
)
def test_the_data_statistics_are_the_printed_ones(task: str, numbers: str) -> None:
    (row,) = rows(task, split="all", contents=("data_statistics",))
    assert [cell.printed for cell in row.cells] == numbers.split()


@pytest.mark.parametrize(
    ("version", "method", "metric", "printed"),
    [
        ("v1", "prefix", "BLEU_gain_over_adapter_0.1%_mean_of_tasks", ["4.1"]),
        ("ACL", "adapter", "parameters_relative_to_prefix", ["30"]),
        ("ACL", "prefix", "stored_parameters", ["250000", "250000", "500000"]),
        ("v1", "prefix", "BLEU_gain_over_finetune_low_data_mean", ["2.9"]),
        ("ACL", "prefix", "train_time_saved_against_finetune_percent", ["30"]),
        ("v1", "prefix", "train_time_saved_against_finetune_percent", []),
        ("ACL", "finetune", "gpu_memory_percent_at_batch_1", ["50"]),
        ("v1", "prefix", "train_hours_per_epoch_of_22K_examples", ["0.2"]),
    ],
)
def test_the_numbers_of_the_running_text(version: str, method: str, metric: str, printed: list[str]) -> None:
    found = [row for row in load("running_text") if (row.version, row.method) == (version, method)]
    assert [cell.printed for row in found if (cell := row.cell(metric))] == printed


def test_every_table_has_all_its_cells() -> None:
    counted = Counter((content, row.version, row.table) for content, row in ALL for _ in row.cells)
    del counted["running_text", "v1", "text"], counted["running_text", "ACL", "text"]
    tables = {key: count for key, count in counted.items() if key[0] != "running_text"}
    main = 5 * (5 + 9 + 6) + 2 * (5 + 9 + 6) + 5 + 6  # Medium, Large, the best before (no TER, no DART)
    assert tables == {
        ("table_to_text", "v1", "Table 1"): main,
        ("table_to_text", "ACL", "Table 2"): main,
        ("summarisation", "v1", "Table 2"): 3 * 3,
        ("summarisation", "ACL", "Table 3"): 3 * 3,
        ("summarisation", "ACL", "Table 7"): 2 * 3,
        ("extrapolation", "v1", "Table 3"): 2 * 2 * 3,
        ("extrapolation", "ACL", "Table 4"): 2 * 2 * 3,
        ("ablations", "v1", "Table 4"): 7 * 5,
        ("ablations", "ACL", "Table 5"): 7 * 5,
        ("table_to_text_dev", "ACL", "Table 9"): 7 * (5 + 3 + 6),
        ("data_statistics", "ACL", "Table 1"): 4 * 3,
    }


def test_no_number_stands_twice_under_one_name() -> None:
    keys = Counter(
        (
            content,
            row.version,
            row.table,
            row.task,
            row.split,
            row.model,
            row.method,
            row.params,
            row.prefix_len,
            cell.metric,
        )
        for content, row in ALL
        for cell in row.cells
    )
    assert [key for key, count in keys.items() if count > 1] == []


RANGES = {
    "BLEU": (15, 76),
    "NIST": (3, 9),
    "METEOR": (0.2, 50),
    "ROUGE_L": (60, 78),
    "CIDEr": (1, 3),
    "TER": (0.2, 1),
    "MoverScore": (0.4, 0.6),
    "BERTScore": (0.9, 1),
    "BLEURT": (0.2, 0.5),
    "ROUGE-1": (35, 46),
    "ROUGE-2": (15, 23),
    "ROUGE-L": (30, 38),
}


@pytest.mark.parametrize("row", [row for content, row in ALL if content in (*paper_numbers.MAIN, "ablations")], ids=str)
def test_metrics_have_their_names_and_scales(row: Row) -> None:
    for cell in row.cells:
        metric, _, part = cell.metric.partition("/")
        low, high = RANGES[metric]
        assert low <= cell.value <= high
        assert (part in ("seen", "unseen", "all")) == (row.task == "webnlg")
        if metric == "METEOR":
            assert (cell.value > 1) == (row.task == "e2e")


def test_the_digits_of_a_metric_are_the_same_all_over_a_table() -> None:
    digits: dict[tuple[str, str, str], set[int]] = {}
    for _, row in ALL:
        for cell in row.cells if row.table.startswith("Table") else ():
            key = (row.version, row.table, f"{row.task} {cell.metric}")
            digits.setdefault(key, set()).add(len(cell.printed.partition(".")[2]))
    assert len(digits) == 2 * (5 + 9 + 6) + 3 * 3 + 4 * 3 + 2 * 5 + (5 + 3 + 6) + 4 * 3
    assert [key for key, lengths in digits.items() if len(lengths) > 1] == []


def test_the_large_and_dart_rows_are_alike_in_both_versions() -> None:
    for task, models in (
        ("e2e", {"gpt2_large", ""}),
        ("webnlg", {"gpt2_large"}),
        ("dart", {"gpt2_medium", "gpt2_large"}),
    ):
        of = {
            version: [row.cells for row in rows(task) if row.version == version and row.model in models]
            for version in ("v1", "ACL")
        }
        assert of["v1"]
        assert of["v1"] == of["ACL"]


def test_the_gain_over_the_small_adapter_follows_from_the_first_version() -> None:
    """The text's 4.1 is the mean over E2E, WebNLG (all) and DART of the v1 cells."""
    gains = []
    for task, metric in (("e2e", "BLEU"), ("webnlg", "BLEU/all"), ("dart", "BLEU")):
        value = {
            row.method: cell.value
            for row in rows(task)
            if row.version == "v1" and row.params == "0.1%" and (cell := row.cell(metric))
        }
        gains.append(value["prefix"] - value["adapter"])
    assert sum(gains) / 3 == pytest.approx(4.1, abs=1e-9)


def test_every_source_names_the_version_and_the_table() -> None:
    for _, row in ALL:
        start = {"v1": "arXiv:2101.00190v1 ", "ACL": "2021.acl-long.353 "}[row.version]
        assert row.source.startswith(start + row.table)


def test_the_prefix_lengths_are_those_of_the_hyperparameter_table() -> None:
    lengths = {
        row.task: row.prefix_len
        for row in load("table_to_text")
        if row.model == "gpt2_medium" and row.method == "prefix"
    }
    assert lengths == {"e2e": 5, "webnlg": 5, "dart": 10}


def test_a_task_the_paper_does_not_have_has_no_rows() -> None:
    assert rows("my_own_task") == ()
    assert rows("webnlg", split="train") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version,task\n", r"summarisation\.csv:1: columns are not"),
        ("HEADER\nv1,Table 2,xsum,test,m,p,,,ROUGE-1,high,2,s\n", r"summarisation\.csv:2: .*'high'"),
        ("HEADER\nv1,Table 2\n", r"summarisation\.csv:2: "),
    ],
)
def test_an_altered_file_is_reported_with_its_line(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content: Content = "summarisation"
    header = (paper_numbers.directory() / f"{content}.csv").read_text(encoding="utf-8").splitlines()[0]
    (tmp_path / f"{content}.csv").write_text(text.replace("HEADER", header))
    monkeypatch.setattr(paper_numbers, "directory", lambda: tmp_path)
    with pytest.raises(DamagedStateError, match=message):
        load.__wrapped__(content)


def test_an_installation_without_the_numbers_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper_numbers, "__file__", str(tmp_path / "src" / "prefixrun" / "paper.py"))
    with pytest.raises(DamagedStateError, match="install prefixrun again"):
        paper_numbers.directory()


def test_an_installed_package_uses_its_own_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "site-packages" / "prefixrun" / "paper_numbers"
    copy.mkdir(parents=True)
    for content in CONTENTS:
        (copy / f"{content}.csv").write_text("")
    monkeypatch.setattr(paper_numbers, "__file__", str(copy.parent / "analysis" / "paper_numbers.py"))
    assert paper_numbers.directory() == copy


def test_the_numbers_of_the_paper_of_lora() -> None:
    """Table 3 of Hu et al. 2021; the rows that it copies are those of the first version of the prefix-tuning paper."""
    by_name = {(row.model, row.method, row.params): row for row in published("lora_paper", "e2e")}
    assert len(by_name) == 12
    lora = by_name["gpt2_medium", "lora", "0.35M"]
    assert [(cell.metric, cell.printed) for cell in lora.cells] == [
        *(("BLEU", "70.4"), ("NIST", "8.85"), ("METEOR", "46.8"), ("ROUGE_L", "71.8"), ("CIDEr", "2.53")),
    ]
    v1 = {(row.model, row.method): row for row in rows("e2e") if row.version == "v1" and row.params in ("", "0.1%")}
    for model, method in (("gpt2_medium", "finetune"), ("gpt2_medium", "prefix"), ("gpt2_large", "prefix")):
        (copied,) = (row for row in by_name.values() if (row.model, row.method) == (model, method))
        assert [cell.value for cell in copied.cells] == [cell.value for cell in v1[model, method].cells]
        assert "prior work" in copied.source


@pytest.mark.parametrize(("variant", "task"), [("lora_paper", "webnlg"), ("code", "e2e"), (None, "e2e")])
def test_other_variants_have_no_numbers_of_their_own(variant: str | None, task: str) -> None:
    assert published(variant, task) == ()
