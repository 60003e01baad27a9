"""What an inspection comes down to, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from prefixrun.console import NONE
from prefixrun.results.inspection.agreement import Agreement
from prefixrun.results.inspection.inspection import Inspection
from prefixrun.results.inspection.losses import Change


def findings(run: Inspection) -> list[tuple[str, str]]:
    """(subject, sentence), the same on the terminal and on the page."""
    lines = [("words", _words(run, index)) for index in range(len(run.words))]
    lines += _attention(run)
    losses = run.losses
    whole = f"with the whole prefix the loss is {losses.loss:.3f} nats a token"
    lines.append(("left out", f"{whole}; leaving all of it out changes that by {change_text(losses.everything)}"))
    for name, of in (("position", losses.positions), ("layer", losses.layers), ("site", losses.sites)):
        if of:
            lines.append(("left out", _dearest(name, of)))
    lines += [("agreement", agreement_text(agreement, run)) for agreement in run.agreements]
    return lines


def _words(run: Inspection, index: int) -> str:
    site = run.words[index]
    nearest = sum(position.nearest[0].cosine for position in site.positions) / len(site.positions)
    median = sum(position.median for position in site.positions) / len(site.positions)
    where = f" ({site.site})" if len(run.words) > 1 else ""
    cosines = f"a mean cosine of {nearest:.3f}; the median token has {median:.3f}"
    return f"the nearest text{where} is “{site.text}”, with {cosines}"


def _attention(run: Inspection) -> list[tuple[str, str]]:
    lines = []
    for attention in run.attention:
        means = attention.by_position
        most = max(range(run.prefix_len), key=means.__getitem__)
        where = f" of {attention.site}" if run.is_seq2seq else ""
        even = (
            "" if attention.even is None else f"; spread evenly it would get {percent(attention.even * run.prefix_len)}"
        )
        lines.append(
            (
                "attention",
                f"while {attention.kind}, the prefix{where} gets {percent(sum(means))} of the attention{even}; "
                f"position {most} gets most ({percent(means[most])})",
            )
        )
    return lines


def _dearest(name: str, of: Sequence[Change]) -> str:
    dearest = max(of, key=lambda part: part.change)
    clear = sum(part.is_clear for part in of)
    if name == "site":
        what = f"site {dearest.site}"
    elif name == "position":
        what = f"position {range_text(dearest.positions)}"
    else:
        what = f"layer {range_text(dearest.layers)}" + (f" of {dearest.site}" if len({e.site for e in of}) > 1 else "")
    intervals = f"the interval of {clear} of {len(of)} {name}s leaves zero out"
    return f"leaving out {what} costs most, {change_text(dearest)}; {intervals}"


def agreement_text(agreement: Agreement, run: Inspection) -> str:
    """How much a run agrees with another one."""
    parts = [f"cosine {agreement.same_positions:.3f} at the same position"]
    if agreement.other_positions is not None:
        parts[0] += f", {agreement.other_positions:.3f} at another"
    parts.append(f"{agreement.most_alike} of {run.prefix_len} positions are most alike to the same one")
    if agreement.same_words is not None:
        parts.append(f"{agreement.same_words} of {run.prefix_len * len(run.words)} nearest words are the same")
    for name, value in (
        ("attention", agreement.attention),
        ("what positions cost", agreement.positions),
        ("what layers cost", agreement.layers),
    ):
        if value is not None:
            parts.append(f"{name} correlates by {value:.2f}")
    return f"with run {agreement.run_id} ({agreement.task}, seed {agreement.seed}): {'; '.join(parts)}"


def change_text(change: Change) -> str:
    """A change with its interval."""
    if change.half_width is None:
        return f"{change.change:+.4f}"
    return f"{change.change:+.4f} (95 % interval ± {change.half_width:.4f})"


def percent(share: float | None) -> str:
    """A share as people read it."""
    return NONE if share is None else f"{100 * share:.1f} %"


def range_text(numbers: Sequence[int]) -> str:
    """3, or 3–5 for neighbours."""
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}"
