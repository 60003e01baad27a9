"""The logic of the page's scripts, run by node where there is one."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from prefixrun.analysis.html import page

NODE = shutil.which("node") or ""
LOGIC = ("diff.js", "tables.js")

pytestmark = pytest.mark.needs("node")


def evaluate(expression: str) -> Any:
    """The JSON value of an expression after the scripts without a document were read."""
    scripts = "\n".join((page.ASSETS / name).read_text(encoding="utf-8") for name in LOGIC)
    code = f"{scripts}\nprocess.stdout.write(JSON.stringify({expression}));"
    done = subprocess.run([NODE, "-e", code], capture_output=True, encoding="utf-8", check=True, timeout=60)
    return json.loads(done.stdout)


def js(value: object) -> str:
    return json.dumps(value)


def test_the_whole_script_can_be_read() -> None:
    command = [NODE, "--input-type=module", "--check", "-"]
    checked = subprocess.run(
        command, check=False, input=page.script(), capture_output=True, encoding="utf-8", timeout=60
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_words_keep_every_character() -> None:
    text = "  The Eagle's low-cost café: £20.50, 5 out of 5!\n👩‍🍳 مطعم النَّسر "
    found = evaluate(f"words({js(text)})")
    assert "".join(word["before"] + word["text"] for word in found) == text.rstrip()
    assert [word["text"] for word in found][:5] == ["The", "Eagle's", "low-cost", "café", ":"]
    assert {"20.50", "👩‍🍳", "النَّسر"} <= {word["text"] for word in found}


def test_a_difference_has_both_texts_in_it() -> None:
    first, second = "the pub is cheap and near the river .", "The pub is near the big river ."
    steps = evaluate(f"difference(words({js(first)}), words({js(second)}))")
    both = [step["word"]["text"] for step in steps if step["kind"] == "both"]
    assert [s["word"]["text"] for s in steps if s["kind"] != "second"] == first.split()
    assert [s["word"]["text"] for s in steps if s["kind"] != "first"] == second.split()
    assert both == ["pub", "is", "near", "the", "river", "."]


@pytest.mark.parametrize(
    ("first", "second", "changed"),
    [("", "", 0), ("a b c", "a b c", 0), ("", "a b", 2), ("a b c", "a x c", 2), ("a b a b", "b a b a", 2)],
)
def test_the_distance_counts_words_of_one_text_only(first: str, second: str, changed: int) -> None:
    assert evaluate(f"distance({js(first)}, {js(second)})") == changed


def test_texts_too_long_to_compare_are_not_compared() -> None:
    assert evaluate('difference(words("a ".repeat(2500) + "x"), words("b ".repeat(2500) + "y"))') is None


def test_the_nearest_reference() -> None:
    references = ["something else", "the pub is cheap", "the pub is cheap"]
    assert evaluate(f"nearest('the pub is very cheap', {js(references)})") == 1
    assert evaluate("nearest('a', [])") == -1


@pytest.mark.parametrize(("sign", "order"), [(1, ["-1", "2", "10", ""]), (-1, ["10", "2", "-1", ""])])
def test_missing_numbers_stand_last_in_both_directions(sign: int, order: list[str]) -> None:
    assert evaluate(f"['2', '', '10', '-1'].sort(ordering(true, {sign}))") == order


def test_texts_are_ordered_as_people_count_and_without_their_markup() -> None:
    assert evaluate("['b10', '–', 'b9', 'A'].sort(ordering(false, 1))") == ["A", "b9", "b10", "–"]
    assert evaluate("""plain('<a href="#x">a &lt; b</a> ')""") == "a &lt; b"


def test_search_wants_every_word() -> None:
    assert evaluate('[matches("Prefix 10, seed 1", "seed prefix"), matches("Prefix 10", "prefix 5")]') == [True, False]


def test_a_csv_has_numbers_with_their_unit_and_what_is_shown_where_it_says_more() -> None:
    columns = [
        {"heading": "Method", "unit": "", "texts": ["=a,b", "–", 'the "c"'], "numbers": None},
        {"heading": "BLEU", "unit": "", "texts": ["58.6 ± 1.4", "60.1", "–"], "numbers": ["58.61234", "60.1", ""]},
        {"heading": "Training", "unit": "s", "texts": ["9.0 min", "1 s", "2 s"], "numbers": ["540", "1", "2"]},
        {"heading": "Runs", "unit": "", "texts": ["1", "1,000", "3"], "numbers": ["1", "1000", "3"]},
    ]
    assert evaluate(f"csv({js(columns)})").split("\r\n") == [
        "Method,BLEU,BLEU (as shown),Training (s),Runs",
        '"\'=a,b",58.61234,58.6 ± 1.4,540,1',
        ",60.1,60.1,1,1000",
        '"the ""c""",,–,2,3',
        "",
    ]
    assert evaluate("csv([])") == "\r\n"
