"""The plain prose that comes with the program."""

from prefixrun.data.plain_text import passages


def test_six_kinds_of_about_a_hundred_words() -> None:
    assert len(passages()) == 6
    assert all(90 < len(passage.split()) < 140 for passage in passages())
    assert all(passage == " ".join(passage.split()) for passage in passages())
