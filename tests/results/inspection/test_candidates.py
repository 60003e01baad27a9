"""Which tokens a prefix is compared with, and how they are written."""

import pytest

from prefixrun.models.tokenizer import Tokenizer, byte_tokenizer
from prefixrun.results.inspection.candidates import candidates, written, written_text


class Words:
    """A tokenizer of words, one of them special."""

    eos_token_id, bos_token_id, pad_token_id, all_special_ids = 0, 0, 0, [0]
    tokens = ("<end>", "a", "Ġthe", "Ġlong", "b", "Ġrestaurant", "▁word", "\n", "é")

    def get_vocab(self) -> dict[str, int]:
        return {token: index for index, token in enumerate(self.tokens)}

    def decode(self, ids: list[int], skip_special_tokens: bool = False) -> str:
        return "".join(self.tokens[index].replace("Ġ", " ") for index in ids)

    def encode(self, text: str, add_special_tokens: bool = False) -> list[int]:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (2, [7, 4]),  # what a prefix started from is always there
        (4, [7, 4, 2, 3]),
        (6, [7, 4, 8, 2, 3, 5]),
        (99, [7, 4, 8, 1, 2, 3, 5, 6]),
    ],
)
def test_start_texts_and_common_words(count: int, expected: list[int]) -> None:
    texts = [(8, 8, 1, 0, 0, 0), (8, 4)]
    assert candidates(Tokenizer(Words()), [7, 4], texts, count) == expected


def test_how_tokens_are_written() -> None:
    words = Tokenizer(Words())
    assert [written(words, index) for index in (3, 6, 7)] == ["␣long", "␣word", "\\n"]
    assert written_text(words, [3, 5, 7, 1]) == "long restaurant a"
    tokenizer = byte_tokenizer()
    part = tokenizer.base.encode("é")[0]
    assert written(tokenizer, part) == "Ã"  # half a character, by the tokenizer's name of it
