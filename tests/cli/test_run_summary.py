"""What a user sees: everything that was promised, in plain text, in the width there is."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from prefixrun import SEMANTICS
from prefixrun.analysis import paper_numbers
from prefixrun.cli.run_summary import closing, corresponding_rows, finished_line, opening_line
from prefixrun.console import terminal
from prefixrun.runs.result_schema import RELEASE

SIGNATURE = "refs:var|case:lc|tok:13a-sacrebleu-2.6.0|n:5|reference-length:mean|scorer:prefixrun-nist.1"
EXAMPLES = [
    {
        "id": str(number),
        "source": f"name : Place {number} | Type : pub | near : Café Adriatic",
        "output": f"Place {number} is a pub near Café Adriatic .",
        "references": [f"Near Café Adriatic is the pub Place {number} .", "Another one ."],
    }
    for number in range(5)
]


DIRECTORY = Path("results/runs/e2e-prefix_flat-smollm2_135m-0123456789ab")
PATHS = {"scores and costs": DIRECTORY / "result.json", "the prefix": DIRECTORY / "prefix.safetensors"}


def _result(**changes: object) -> dict[str, Any]:
    scores = {name: {"value": 12.3456, "signature": SIGNATURE} for name in ("BLEU", "NIST", "ROUGE_L", "CIDEr", "chrF")}
    scores["METEOR"] = {"value": None, "signature": SIGNATURE, "reason": "Java was not found; install a Java runtime"}
    return {
        "run_id": "0123456789ab",
        "task": "e2e",
        "model": "smollm2_135m",
        "method": "prefix_flat",
        "prefix_len": 10,
        "seed": 101,
        "data_source": "sample",
        "split": "test",
        "n_train": 400,
        "n_inputs": 48,
        "scores": scores,
        "parameters": {"trained": 115_200, "stored": 115_200, "total": 134_515_008},
        "costs": {"train_seconds": 201.3, "train_tokens": 1, "decode_seconds": 42.0, "peak_memory_bytes": 2**31},
        "provenance": {"time": "2026-11-23T12:00:00+00:00"},
        **changes,
    }


def _shown(width: int = 80, result: dict[str, Any] | None = None, **changes: Any) -> str:
    result = result or _result()
    stream = io.StringIO()
    arguments: dict[str, Any] = {
        "rows": paper_numbers.rows(result["task"]),
        "examples": EXAMPLES,
        "paths": PATHS,
        "next_command": "prefixrun task=e2e prefix_len=5",
        **changes,
    }
    closing(result, console=Console(file=stream, width=width, highlight=False), **arguments)
    return stream.getvalue()


def test_the_run_stands_above_the_row_that_it_belongs_beside() -> None:
    lines = _shown().splitlines()
    assert lines[1 : lines.index("", 1)] == [
        "                  BLEU   NIST  METEOR  ROUGE_L  CIDEr",
        "this run: SmolLM2-135M, the sample corpus, 48 test inputs, seed 101",
        "  prefix_flat 10  12.3  12.35       –     12.3  12.35",
        "paper, ACL: GPT-2 Medium, prefix length 5",
        "  prefix 0.1%     70.3   8.82    46.3     72.1   2.46",
    ]
    further = len(paper_numbers.rows("e2e")) - 1
    assert f"\npaper      {further} further rows for this task: add --all-rows to the command\n" in _shown()


def test_all_rows_of_the_paper_are_shown_on_request() -> None:
    lines = _shown(all_rows=True).splitlines()
    table = lines[1 : lines.index("", 1)]
    assert table == [
        "                  BLEU   NIST  METEOR  ROUGE_L  CIDEr",
        "this run: SmolLM2-135M, the sample corpus, 48 test inputs, seed 101",
        "  prefix_flat 10  12.3  12.35       –     12.3  12.35",
        "paper, ACL: GPT-2 Medium, prefix length 5",
        "  fine-tuning     68.8   8.71    46.1     71.1   2.43",
        "  top 2 layers    68.1   8.59    46.0     70.8   2.41",
        "  adapter 3%      68.9   8.71    46.1     71.3   2.47",
        "  adapter 0.1%    66.3   8.41    45.0     69.8   2.40",
        "  prefix 0.1%     70.3   8.82    46.3     72.1   2.46",
        "paper, v1: GPT-2 Medium, prefix length 5",
        "  fine-tuning     68.2   8.62    46.2     71.0   2.47",
        "  top 2 layers    68.1   8.59    46.0     70.8   2.41",
        "  adapter 3%      68.9   8.71    46.1     71.3   2.47",
        "  adapter 0.1%    66.3   8.41    45.0     69.8   2.40",
        "  prefix 0.1%     69.7   8.81    46.1     71.4   2.49",
        "paper, v1 and ACL alike: GPT-2 Large",
        "  fine-tuning     68.5   8.78    46.0     69.9   2.45",
        "  prefix          70.3   8.85    46.2     71.7   2.47",
        "paper, v1 and ACL alike: no pretrained model",
        "  best before     68.6   8.70    45.3     70.8   2.37",
    ]


def test_the_notes_below_the_table() -> None:
    text = _shown(120)
    assert "\nverdict    not comparable (other backbone and corpus)\n" in text
    assert "\nno value   METEOR: Java was not found; install a Java runtime\n" in text
    assert "\nalso       chrF 12.35\n" in text
    assert (
        "115,200 numbers stored (0.0856 % of the model), training 3 min 21 s, decoding 42.0 s, peak memory 2.0 GiB"
        in text
    )
    assert f"\nNIST: {SIGNATURE}\n" in text
    assert " trained" not in text


def test_three_examples_the_files_and_the_next_command() -> None:
    text = _shown()
    for number in range(3):
        assert f"  output     Place {number} is a pub near Café Adriatic .\n" in text
        assert f"  reference  Near Café Adriatic is the pub Place {number} . (1 of 2)\n" in text
    assert "Place 3" not in text
    assert "files in results/runs/e2e-prefix_flat-smollm2_135m-0123456789ab/\n" in text
    assert "  result.json         scores and costs\n  prefix.safetensors  the prefix\n" in text
    assert text.endswith("next: prefixrun task=e2e prefix_len=5\n")


@pytest.mark.parametrize("task", ["e2e", "webnlg", "dart", "xsum", "xsum_within_news", "my_own"])
@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_but_paths_and_commands_is_wider_than_the_terminal(task: str, width: int) -> None:
    names = [cell.metric for row in paper_numbers.rows(task)[:1] for cell in row.cells] or ["BLEU"]
    scores = {name: {"value": 0.5, "signature": SIGNATURE} for name in names}
    scores["METEOR"] = {"value": None, "signature": SIGNATURE, "reason": "no Java " * 20}
    examples = [{"source": "word " * 200, "output": "日本語" * 60, "references": ["x" * 300]}]
    text = _shown(width, _result(task=task, scores=scores), examples=examples, paths={"a": Path("b")}, next_command="")
    lines = text.splitlines()
    assert max(map(cell_len, lines)) <= width
    assert all(line == line.rstrip() for line in lines if line != "next: ")


def test_a_paper_setting_shows_the_differences_from_the_published_row() -> None:
    same = {"model": "gpt2_medium", "method": "prefix", "prefix_len": 5, "data_source": RELEASE}
    text = _shown(result=_result(**same), all_rows=True)
    assert "  prefix 5       12.3  12.35       –     12.3  12.35\n" in text
    assert "  minus ACL's   -58.0  +3.53       –    -59.8  +9.89\n" in text
    assert "verdict    undecided (one run;" in text


def test_a_prefix_length_that_differs_between_the_papers_rows_is_not_printed_for_all() -> None:
    scores = {name: {"value": 30.0, "signature": "s"} for name in ("ROUGE-1", "ROUGE-2", "ROUGE-L")}
    assert "paper, v1 and ACL alike: BART-large\n" in _shown(result=_result(task="xsum", scores=scores), all_rows=True)


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"method": "finetune"}, ("gpt2_medium", "finetune", "")),
        ({"method": "finetune", "model": "gpt2_large"}, ("gpt2_large", "finetune", "")),
        ({"method": "adapter"}, ("gpt2_medium", "adapter", "0.1%")),
        (
            {"method": "adapter", "parameters": {"stored": 3, "total": 100, "trained": 3}},
            ("gpt2_medium", "adapter", "3%"),
        ),
        ({"method": "lora"}, ("gpt2_medium", "prefix", "0.1%")),  # the paper has none
        ({"task": "mine"}, None),
        ({"backbone": {"sha256": "random:tiny_gpt2"}}, None),
    ],
)
def test_the_row_that_a_run_belongs_beside(changes: dict[str, Any], shown: tuple[str, str, str] | None) -> None:
    result = _result(**changes)
    rows = corresponding_rows(result, paper_numbers.rows(result["task"]))
    assert [(row.model, row.method, row.params) for row in rows] == ([] if shown is None else [shown])
    assert all(row.version == "ACL" for row in rows)


def test_sizes_in_millions_of_the_paper_of_lora_are_no_shares() -> None:
    """The table of such a run ended with a defect."""
    rows = (*paper_numbers.published("lora_paper", "e2e"), *paper_numbers.rows("e2e"))
    (row,) = corresponding_rows(_result(method="lora", model="gpt2_medium"), rows)
    assert (row.version, row.params, row.share) == ("Hu et al. 2021", "0.35M", None)


def test_random_weights_are_named_and_stand_beside_nothing() -> None:
    text = _shown(200, _result(backbone={"sha256": "random:tiny_gpt2"}))
    assert "verdict    none: the model has random weights, so its scores say only that the program works\n" in text
    assert "paper" not in text


def test_the_development_loss_of_the_last_and_of_the_best_state() -> None:
    history = [{"step": 20, "dev_loss": 1.2}, {"step": 40, "dev_loss": 1.25}, {"step": 50, "train_loss": 1.0}]
    text = _shown(result=_result(training={"history": history}))
    assert "dev loss   1.250 nats a token after 40 steps, lowest 1.200 after 20\n" in text
    assert "dev loss   1.200 nats a token after 20 steps\n" in _shown(result=_result(training={"history": history[:1]}))


def test_a_task_of_ones_own_shows_its_scores_alone() -> None:
    scores = {"BLEU": {"value": 12.3456, "signature": "s"}}
    text = _shown(result=_result(task="mine", scores=scores))
    assert "                   BLEU\nthis run: " in text
    assert "  prefix_flat 10  12.35\n" in text
    assert "paper," not in text


def test_trained_and_stored_numbers_are_told_apart() -> None:
    parameters = {"trained": 25_000_000, "stored": 245_760, "total": 354_823_168}
    assert "245,760 numbers stored (0.0693 % of the model), 25,000,000 trained" in _shown(
        200, _result(parameters=parameters)
    )


def test_what_was_not_measured_is_left_out() -> None:
    costs = dict.fromkeys(("train_seconds", "train_tokens", "decode_seconds", "peak_memory_bytes"))
    assert "costs      115,200 numbers stored (0.0856 % of the model)\n" in _shown(result=_result(costs=costs))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.4, "59.4 s"), (59.6, "1 min 0 s"), (3599, "59 min 59 s"), (7260, "2 h 1 min")],
)
def test_durations(seconds: float, text: str) -> None:
    costs = {"train_seconds": seconds, "train_tokens": 1, "decode_seconds": None, "peak_memory_bytes": None}
    assert f"training {text}\n" in _shown(120, _result(costs=costs))


def test_model_outputs_cannot_steer_the_terminal() -> None:
    example = {"source": "[bold]x[/bold]", "output": "\x1b[31mred\x07\n\nnext", "references": [""]}
    text = _shown(examples=[example])
    assert "  input      [bold]x[/bold]\n" in text
    assert "  output     \\x1b[31mred\\x07 next\n" in text
    assert "  reference  (empty)\n" in text
    assert "\x1b" not in text


def test_without_a_terminal_the_text_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    closing(_result(), paper_numbers.rows("e2e"), EXAMPLES, PATHS, "prefixrun")
    assert "\x1b" not in capsys.readouterr().out


def test_characters_that_the_output_cannot_show_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(stream, encoding="ascii"))
    terminal().print("£ 20")
    sys.stdout.flush()
    assert stream.getvalue() == b"? 20\n"


def test_the_first_line() -> None:
    assert (
        opening_line(profile="quick", model="SmolLM2-135M", data="sample corpus", device="cpu")
        == "profile quick · model SmolLM2-135M · data sample corpus · device cpu"
    )


def test_a_run_that_was_done_says_when() -> None:
    assert finished_line(_result()) == (
        "run 0123456789ab was finished on 2026-11-23; it is shown as it is, nothing was computed"
    )
    assert "finished before;" in finished_line(_result(provenance={}))
    earlier = finished_line(_result(provenance={"semantics": 1}))
    assert "Its scores are those of semantics 1: `prefixrun verify " in earlier
    assert f"they are others today (semantics {SEMANTICS}, see CHANGELOG.md)" in earlier
    assert "semantics" not in finished_line(_result(provenance={"semantics": SEMANTICS}))


def test_the_loss_on_plain_text_is_shown_where_it_was_measured() -> None:
    forgetting = {"before": 3.25, "after": 3.5, "tokens": 700}
    line = "plain text loss 3.500 nats a token, 3.250 without the method (+0.250)\n"
    assert line in _shown(120, _result(forgetting=forgetting))
    assert "plain text" not in _shown(120, _result())
