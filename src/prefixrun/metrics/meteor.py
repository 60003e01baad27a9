"""METEOR 1.5 (Denkowski and Lavie 2014): the official Java program, one for all scorings of a process.

The jar comes in the Python package pycocoevalcap (extra ``meteor``), which is looked up but not imported: importing it
would start its Java tokeniser. Starting the JVM costs about 10 seconds (its paraphrase table), a segment 5 ms.
"""

from __future__ import annotations

import atexit
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, cast

import numpy as np

from prefixrun.errors import MissingPartError
from prefixrun.metrics.base import FloatArray, Metric, Reads, References, signature
from prefixrun.metrics.preparation import Preparation

# English defaults of METEOR 1.5: weight of recall, exponent and weight of fragmentation, weight of content words
_ALPHA, _BETA, _GAMMA, _DELTA = 0.85, 0.2, 0.6, 0.75
_STAGES = ("exact", "stem", "synonym", "paraphrase")
_STAGE_WEIGHTS = np.array([1.0, 0.6, 0.8, 0.6])
_LENGTHS = ("output_words", "reference_words", "output_function_words", "reference_function_words")
_PER_STAGE = ("output_content", "reference_content", "output_function", "reference_function")


@dataclass(frozen=True, slots=True)
class Meteor(Metric):
    """METEOR of the summed statistics, in per cent or as a fraction (``scale`` 100 or 1).

    The program normalises (``-norm``) the prepared texts once more.
    """

    preparation: Preparation
    scale: float = 1.0

    @property
    def names(self) -> tuple[str, ...]:
        return ("METEOR",)

    @property
    def columns(self) -> tuple[str, ...]:
        """The 23 numbers of the program's SCORE line, in its order; ``chunks`` is 0 for a perfect match."""
        stages = (f"{stage}_{what}" for stage in _STAGES for what in _PER_STAGE)
        return (*_LENGTHS, *stages, "chunks", "output_matches", "reference_matches")

    @property
    def reads(self) -> Reads:
        return "words between blanks"

    def prepare(self, references: References) -> References:
        jar()
        return self.preparation.references(references)

    def count(self, output: str, segment: tuple[str, ...]) -> tuple[float, ...]:
        return _statistics(self.preparation.output(output), segment)

    def aggregate(self, totals: FloatArray) -> dict[str, float]:
        return {"METEOR": self.scale * meteor_of(totals)}

    def signature(self, name: str, references: References) -> str:
        return signature(
            references, "case:lc", f"tok:{self.preparation.name}", "norm:yes", "lang:en", "scorer:meteor-1.5"
        )


def meteor_of(totals: FloatArray) -> float:
    """The score (a fraction) of summed statistics ``(23,)``: a weighted F of the matches, less their fragmentation.

    Denkowski and Lavie (2014), section 2; the order of the statistics is that of ``Meteor.columns``.
    """
    output_words, reference_words, output_function, reference_function = totals[:4]
    # matches of each of the four stages, (4,): content and function words of either side
    output_content, reference_content, output_functional, reference_functional = totals[4:20].reshape(4, 4).T
    chunks, output_matches, reference_matches = totals[20:]
    # 1. the weight of all words: a content word counts delta, a function word 1 - delta
    output_weight = _weigh(output_words - output_function, output_function)
    reference_weight = _weigh(reference_words - reference_function, reference_function)
    if not output_weight or not reference_weight:
        return 0.0
    # 2. the share that is matched, a match of a stage at that stage's weight
    precision = float(_STAGE_WEIGHTS @ _weigh(output_content, output_functional)) / output_weight
    recall = float(_STAGE_WEIGHTS @ _weigh(reference_content, reference_functional)) / reference_weight
    if not precision or not recall:
        return 0.0
    # 3. the weighted harmonic mean, and the penalty: chunks of adjacent matches over matched words
    mean = 1 / ((1 - _ALPHA) / precision + _ALPHA / recall)
    fragmentation = float(chunks) / (float(output_matches + reference_matches) / 2)
    return float(mean * (1 - _GAMMA * fragmentation**_BETA))


def _weigh(content: FloatArray, function: FloatArray) -> FloatArray:
    return _DELTA * content + (1 - _DELTA) * function


def jar() -> Path:
    """Path of METEOR's jar; raises MissingPartError, its message the reason of an empty cell."""
    if shutil.which("java") is None:
        raise MissingPartError("METEOR needs Java 8 or newer: no `java` on the PATH; install a JRE and score again")
    spec = find_spec("pycocoevalcap")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "meteor" / "meteor-1.5.jar"
        if path.is_file():
            return path
    raise MissingPartError("METEOR needs its jar: pip install 'prefixrun[meteor]' (package pycocoevalcap)")


class _Program:
    """The running JVM: it answers each line with a line."""

    def __init__(self) -> None:
        path = jar()
        # the encoding must not depend on the user's locale
        java = ["java", "-Dfile.encoding=UTF-8", "-Xmx2G", "-jar", str(path)]
        self._process = subprocess.Popen(
            [*java, "-", "-", "-stdio", "-l", "en", "-norm"],
            cwd=path.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        self._input = cast(IO[str], self._process.stdin)
        self._output = cast(IO[str], self._process.stdout)
        self._errors = cast(IO[str], self._process.stderr)
        atexit.register(self.close)

    def ask(self, line: str) -> str:
        """The answer to one command; raises MissingPartError if the program has ended."""
        try:
            self._input.write(line + "\n")
            self._input.flush()
            answer = self._output.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise MissingPartError(f"METEOR's Java program ended: {self._last_error()}")
        return answer

    def close(self) -> None:
        """End the JVM: it stops when its input ends."""
        for stream in (self._input, self._output, self._errors):
            with suppress(BrokenPipeError):  # the program may have ended first
                stream.close()
        self._process.wait()

    def _last_error(self) -> str:
        self._process.wait()
        lines = [line for line in self._errors.read().splitlines() if line.strip()]
        return lines[-1].strip() if lines else f"exit code {self._process.returncode}"


@lru_cache(maxsize=1)
def _program() -> _Program:
    return _Program()


@lru_cache(maxsize=65536)
def _statistics(output: str, references: tuple[str, ...]) -> tuple[float, ...]:
    """The 23 statistics against the reference with the highest score (the first one on a tie)."""
    answer = _program().ask(" ||| ".join(("SCORE", *map(_one_line, references), _one_line(output))))
    statistics = [float(number) for number in answer.split()]
    output_words, reference_words = statistics[:2]
    if statistics[-3:] == [1.0, output_words, reference_words]:
        statistics[-3] = 0.0  # the program leaves the one chunk of a text equal to its reference out of the sum
    return tuple(statistics)


def _one_line(text: str) -> str:
    return " ".join(text.replace("|||", " ").split())
