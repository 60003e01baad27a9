"""A table as Markdown, LaTeX and CSV: what texts may hold, sections, notes."""

import pytest

from prefixrun.analysis.text_table import csv_text, latex, latex_text, markdown, plain
from prefixrun.console import Column, Row, Section, Table

TABLE = Table(
    (Column("method"), Column("BLEU", is_number=True)),
    (
        Section(
            (
                Row(
                    ("a|b", "1.0"),
                ),
            )
        ),
        Section((Row(("c_d", "2.0 ± 0.1")),)),
    ),
    "100 % of it",
    ("of $2",),
)


def test_markdown() -> None:
    assert markdown(TABLE, level=3) == (
        "### 100 % of it\n\n| method | BLEU |\n| --- | ---: |\n| a\\|b | 1.0 |\n| c_d | 2.0 ± 0.1 |\n\n* of $2\n"
    )


def test_latex_has_a_rule_between_sections_and_escapes_every_command() -> None:
    lines = latex(TABLE).splitlines()
    assert lines[2:4] == [r"\caption{100 \% of it}", r"\begin{tabular}{lr}"]
    body = lines[lines.index(r"\toprule") : lines.index(r"\bottomrule")]
    assert body == [
        r"\toprule",
        r"method & BLEU \\",
        r"\midrule",
        r"a\textbar{}b & 1.0 \\",
        r"\midrule",
        r"c\_d & 2.0 $\pm$ 0.1 \\",
    ]
    assert lines[-2:] == [r"\par\footnotesize of \$2", r"\end{table}"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a & b", r"a \& b"),
        ("\\x{y}", r"\textbackslash{}x\{y\}"),
        ("~^#$", r"\textasciitilde{}\textasciicircum{}\#\$"),
        ("< |>", r"$<$ \textbar{}$>$"),
    ],
)
def test_no_text_is_a_command_of_latex(text: str, expected: str) -> None:
    assert latex_text(text) == expected


def test_csv_quotes_and_leaves_nothing_empty_but_none() -> None:
    assert csv_text(["a", "b"], [[None, 'x,"y"'], [0, ""]]) == 'a,b\n,"x,""y"""\n0,\n'


@pytest.mark.parametrize(("value", "text"), [(None, None), (1 / 3, "0.333333"), (1e-9, "1e-09"), (68.0, "68")])
def test_digits_to_calculate_with(value: float | None, text: str | None) -> None:
    assert plain(value) == text
