"""What is counted when inputs are cut."""

from dataclasses import replace

from prefixrun.runs.truncation import Truncation, sentence, truncation

from prefixrun.data import Corpus, Example
from prefixrun.data.run_data import RunData
from prefixrun.models.tokenizer import byte_tokenizer


def corpus(split: str, *lengths: int, references: int = 1) -> Corpus:
    examples = (Example(f"{split}-{index}", "s" * length, ("t",) * references) for index, length in enumerate(lengths))
    return Corpus("xsum", split, tuple(examples), ())


def test_every_input_counts_once_in_its_part() -> None:
    train, dev, test = corpus("train", 3, 9, 9, references=2), corpus("dev", 9, 2), corpus("test", 9, 4, 5, 6)
    corpora = RunData(train, dev, test, train.all_pairs(), dev.all_pairs(), test, test.examples[:3])
    limited = replace(byte_tokenizer(), max_source_tokens=5)
    counts = truncation(corpora, limited)
    assert counts == {"train": Truncation(2, 3), "dev": Truncation(1, 2), "scored": Truncation(2, 3)}
    assert sentence(counts, 5) == (
        "inputs cut to 5 tokens (task.max_source_tokens): train 2 of 3, dev 1 of 2, scored 2 of 3"
    )
    assert {each.cut for each in truncation(corpora, byte_tokenizer()).values()} == {0}
