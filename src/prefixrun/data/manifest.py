"""Counts and checksums of a complete copy of each corpus, by split; any other copy is refused.

Checksums are SHA-256 of the uncompressed bytes; that of the WebNLG tree is over its sorted paths and their checksums.
Counts are those of the releases; they agree with the ones that the papers of the corpora state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from prefixrun.console import count
from prefixrun.data.example import Corpus
from prefixrun.errors import DataError

UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Release:
    """A published form of a split."""

    label: str
    """What the record of a run calls it."""
    records: int
    """Rows, entries or articles of the file, those included that are left out when it is read."""
    pairs: int
    """(source, reference) pairs that remain."""
    sha256: str = ""
    """Empty where counts have to do: XSUM comes in many packagings, and of DART's train file we have a rebuilt copy."""


_E2E = "E2E v1.0.0"
_CLEANED = "cleaned E2E (Dušek et al. 2019)"
_WEBNLG = "WebNLG challenge 2017"
_WEBNLG_2020 = "WebNLG 2020 (v3.0)"
_DART = "DART v1.1.1"
_DART_5097 = f"{_DART}, test of 5,097 entries"
_DART_6959 = f"{_DART}, test of 6,959 entries (1,862 without text)"

RELEASES: Mapping[tuple[str, str], tuple[Release, ...]] = {
    ("e2e", "train"): (
        Release(_E2E, 42_061, 42_061, "f27d48df45815288ab15619d47a79028c300fbb7f42e373668aba0b98c1d57c6"),
    ),
    ("e2e", "dev"): (
        Release(_E2E, 4_672, 4_672, "fc26b78cdb849c80545f513b223d1e051138b43882eeb79e3eb153e689c864f9"),
    ),
    ("e2e", "test"): (
        Release(_E2E, 4_693, 4_693, "edc8db685e39bb9824d5bd70c18b1c9b0412d14b527aa960e2d1c8251ee15ccd"),
    ),
    ("e2e_cleaned", "train"): (
        Release(_CLEANED, 33_525, 33_525, "12a4f59ec85ddd2586244aaf166f65d1b8cd468b6227e6620108baf118d5b325"),
    ),
    ("e2e_cleaned", "dev"): (
        Release(_CLEANED, 4_299, 4_299, "bb88df2565826a463f96e93a5ab69a8c6460de54f2e68179eb94f0019f430d4d"),
    ),
    ("e2e_cleaned", "test"): (
        Release(_CLEANED, 4_693, 4_693, "99b43c2769a09d62fc5d37dcffaa59d4092bcffdc611f226258681df61269b17"),
    ),
    # Castro Ferreira et al. 2020 (2020.webnlg-1.7) state these counts; the files were not at hand.
    ("webnlg_2020", "train"): (Release(_WEBNLG_2020, 13_211, 35_426),),
    ("webnlg_2020", "dev"): (Release(_WEBNLG_2020, 1_667, 4_464),),
    ("webnlg_2020", "test"): (Release(_WEBNLG_2020, 1_779, 5_150),),
    ("webnlg", "train"): (
        Release(f"{_WEBNLG} (XML)", 6_940, 18_025, "ae769ac7fb99aacab4978b7a236a752683d18528de5d1f9c402a3d42f9918db7"),
        Release(f"{_WEBNLG} (JSON)", 6_940, 18_025, "180edb6011360608c8548d4551366a9d55f140cbf9bc9397fbf4d97f6a89c639"),
    ),
    ("webnlg", "dev"): (
        Release(f"{_WEBNLG} (XML)", 872, 2_258, "8031cb46ca80d03073fb9b82c88a28ee3dabb3147087359cea53c8f3c615b47c"),
        Release(f"{_WEBNLG} (JSON)", 872, 2_258, "50f5a2c24d760bc84ba3e852707cd3b43b0cf2da035b425f87945a2440880488"),
    ),
    ("webnlg", "test"): (
        Release(f"{_WEBNLG} (XML)", 1_862, 4_928, "65ac71bf28b8dcbf1a753ed51011143fa1c01bf1c604a71171c5179a1f0014ef"),
        Release(f"{_WEBNLG} (JSON)", 1_862, 4_928, "2574896b23b5959d1a0cd4bb501ffbeff1a11790a9996c4cb8efed289149ff4f"),
    ),
    ("dart", "train"): (
        Release(_DART, 30_526, 62_659),
    ),
    ("dart", "dev"): (
        Release(_DART, 2_768, 6_980, "5038f3543b6d59b94ac4e3f69d15a0b01d8578913f862142e7c560200dd6e434"),
    ),
    ("dart", "test"): (
        Release(_DART_5097, 5_097, 12_551, "984be50fa46d0dbfce1ecfdad4a5c5a5cf82f1be0b124fe94f9f9b175d2a5045"),
        Release(_DART_6959, 6_959, 12_551, "c772553b482dd5fc7b8ad90d68889062a2603e28d4449ee1f162006819e0565e"),
    ),
    ("dart", "test_6959"): (
        Release(_DART_6959, 6_959, 12_551, "c772553b482dd5fc7b8ad90d68889062a2603e28d4449ee1f162006819e0565e"),
    ),
    # The paper's files have the first count of each; another packaging (version 1.0.1 of Hugging Face's script, see
    # issue 672 of huggingface/datasets) lacks a few articles.
    ("xsum", "train"): (Release("XSUM", 204_045, 204_045), Release("XSUM, other packaging", 204_017, 204_017)),
    ("xsum", "dev"): (Release("XSUM", 11_332, 11_332), Release("XSUM, other packaging", 11_327, 11_327)),
    ("xsum", "test"): (Release("XSUM", 11_334, 11_334), Release("XSUM, other packaging", 11_333, 11_333)),
}  # fmt: skip


def identify(corpus: Corpus, directory: str) -> Corpus:
    """The corpus with its release in ``version``; a corpus without a manifest is returned unchanged.

    Args:
        corpus: as read from ``directory``.
        directory: name of the corpus' directory, which is what the manifest goes by.

    Raises:
        DataError: truncated, altered or incomplete copy, with what is missing.
    """
    releases = RELEASES.get((directory, corpus.split))
    if releases is None:
        return corpus
    file = corpus.files[0]
    # The extrapolation tasks keep a part of the articles only, so for them only the count of the file can be checked.
    pairs = corpus.pairs if corpus.task == directory else file.records
    irregular = _irregular(corpus)
    for release in releases:
        if release.sha256 == file.sha256:
            return replace(corpus, version=release.label)
        if not (release.sha256 or irregular) and (release.records, release.pairs) == (file.records, pairs):
            return replace(corpus, version=f"{release.label} (by counts)")
    if other := _of_another_corpus(file.sha256):
        task, split, label = other
        raise DataError(f"{directory}/{file.name}: this is {label}, the {split} part of task={task}; use it for that")
    difference = _difference(releases[0], file.records, pairs)
    raise DataError(f"{directory}/{file.name}: {difference}{irregular}; {_REMEDY}")


def _of_another_corpus(sha256: str) -> tuple[str, str, str] | None:
    """Task, part and label of the release whose checksum this is; None where it is none."""
    known = {release.sha256: (*part, release.label) for part, listed in RELEASES.items() for release in listed}
    return known.get(sha256) if sha256 else None


def _irregular(corpus: Corpus) -> str:
    """The irregular entries of the file, for a message; every release with such entries is known by its checksum."""
    listed = ""
    for skipped in corpus.skipped:
        if skipped.positions:
            numbers = ", ".join(str(position + 1) for position in skipped.positions[:_NAMED])
            more = ", ..." if len(skipped.positions) > _NAMED else ""
            listed += f"; {skipped.count:,} {skipped.reason}: in entry {numbers}{more}"
    return listed


_NAMED = 5
_REMEDY = "copy the release again, or accept this copy as it is with data.verify=off, which the run's record then says"


def _difference(release: Release, records: int, pairs: int) -> str:
    if (records, pairs) == (release.records, release.pairs):
        return (
            f"as many records as {release.label}, but other bytes: the copy was altered (text, encoding or line ends)"
        )
    wrong = release.records - records
    amount = f"{wrong:,} missing" if wrong > 0 else f"{-wrong:,} too many" if wrong else "texts differ"
    return (
        f"{count(records, 'record')} with {count(pairs, 'text')}, where {release.label} has {release.records:,} with "
        f"{release.pairs:,}: {amount}"
    )
