import pytest

from prefixrun.metrics.porter import Rouge155Stemmer

STEMMER = Rouge155Stemmer()


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("caresses", "caress"),
        ("ponies", "poni"),
        ("cats", "cat"),
        ("feed", "feed"),
        ("agreed", "agre"),
        ("plastered", "plaster"),
        ("sing", "sing"),
        ("conflated", "conflat"),
        ("hopping", "hop"),
        ("falling", "fall"),
        ("filing", "file"),
        ("happy", "happi"),
        ("sky", "sky"),
        ("relational", "relat"),
        ("triplicate", "triplic"),
        ("hopeful", "hope"),
        ("adoption", "adopt"),
        ("probate", "probat"),
        ("controlling", "control"),
        ("yes", "ye"),
        ("be", "be"),
        ("2010s", "2010"),
        ("ryying", "ryi"),
        # several suffixes in a row
        ("environmental", "environ"),
        ("environment", "environ"),
        ("agreement", "agreem"),
        ("accidentally", "accid"),
        ("internationally", "internat"),
        ("assembly", "assembl"),
        ("ideology", "ideolog"),
        ("commissioners", "commiss"),
        ("statement", "statem"),
    ],
)
def test_porters_rules(word, expected):
    assert STEMMER.stem(word) == expected
