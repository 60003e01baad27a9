"""The page of one inspected run: `prefixrun inspect`. One HTML file that fetches nothing and has no script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prefixrun.analysis.heat_maps import Changes, HeatMap, changes, heat_maps
from prefixrun.analysis.html.figures import PageFigure
from prefixrun.analysis.html.format import number
from prefixrun.analysis.html.page import environment, style
from prefixrun.console import NONE
from prefixrun.results import display_names
from prefixrun.results.inspection.attention_shares import SiteAttention
from prefixrun.results.inspection.inspection import Inspection
from prefixrun.results.inspection.losses import Change
from prefixrun.results.inspection.summary import findings, percent, range_text
from prefixrun.results.inspection.words import SiteWords
from prefixrun.runs.version import __version__

LOSS = "change of the loss (nats a token)"
LEAD = 0.05
"""How far the cosine of a word is above that of the median token where pictures name it."""
LATIN = 0x250
"""Characters below are in the font of the figures."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Those of an inspection."""

    words: tuple[tuple[PageFigure, ...], ...]
    """By site."""
    attention: tuple[PageFigure, ...]
    """By site."""
    losses: tuple[PageFigure, ...]

    @property
    def all(self) -> tuple[PageFigure, ...]:
        """In the order of the page."""
        return (*(figure for of_site in self.words for figure in of_site), *self.attention, *self.losses)


def pictures(inspection: Inspection) -> Pictures:
    """All of them, drawn."""
    return Pictures(
        tuple(_words_figures(inspection, words) for words in inspection.words),
        tuple(_attention_figure(inspection, of_site) for of_site in _by_site(inspection.attention)),
        tuple(_loss_figures(inspection)),
    )


def inspection_page(inspection: Inspection, drawn: Pictures, *, command: str, made: str) -> str:
    """The page. `drawn`: its pictures; `command`: as it was given; `made`: the time that it says."""
    return (
        environment()
        .get_template("inspection.html")
        .render(
            version=__version__,
            style=style(),
            command=command,
            made=made,
            run=inspection,
            facts=_facts(inspection),
            findings=_grouped(findings(inspection)),
            words=[_Words.of(site, figures) for site, figures in zip(inspection.words, drawn.words, strict=True)],
            attention_figures=drawn.attention,
            attention_rows=_attention_rows(inspection),
            loss_figures=drawn.losses,
            loss_rows=_loss_rows(inspection),
            lead=LEAD,
            percent=percent,
            signed=lambda value: NONE if value is None else f"{value:+.4f}",
            three=lambda value: NONE if value is None else f"{value:.3f}",
        )
    )


def _grouped(lines: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Subject → its sentences, in their order."""
    return {subject: [text for of_line, text in lines if of_line == subject] for subject, _ in lines}


def _facts(run: Inspection) -> list[tuple[str, str]]:
    return [
        ("Task", display_names.of_task(run.task)),
        ("Model", display_names.of_model(run.model)),
        ("Method", display_names.of_method(run.method)),
        ("Length", str(run.prefix_len)),
        ("Initialisation", run.init),
        ("Seed", str(run.seed)),
        ("Development loss of the run", number(run.dev_loss, 3)),
        ("Corpus", run.data_source),
    ]


@dataclass(frozen=True, slots=True)
class _Words:
    """The nearest words of one site as the template shows them."""

    site: SiteWords
    text: tuple[tuple[str, int], ...]
    """Tokens of the nearest text as they stand in it, each with the strength of its shade."""
    figures: tuple[PageFigure, ...]
    rows: tuple[tuple[int, tuple[tuple[str, float, float, int], ...]], ...]
    """The top layer first: its index and for each position token, cosine, median cosine, and strength of the shade."""

    @staticmethod
    def of(site: SiteWords, figures: tuple[PageFigure, ...]) -> _Words:
        layers = range(len(site.layers))
        leads = [cell.cosine - cell.median for position in site.positions for cell in position.layers]
        most = max(leads) or 1.0
        rows = []
        for layer in reversed(layers):
            cells = [position.layers[layer] for position in site.positions]
            shaded = tuple(
                (cell.token, cell.cosine, cell.median, _shade(cell.cosine - cell.median, most)) for cell in cells
            )
            rows.append((site.layers[layer], shaded))
        text = tuple(
            (position.nearest[0].token.replace("␣", " "), _shade(position.nearest[0].cosine - position.median, most))
            for position in site.positions
        )
        return _Words(site, text, figures, tuple(rows))


def _shade(lead: float, most: float) -> int:
    """Per cent of colour for how far a cosine is above that of the median token."""
    return max(0, round(45 * lead / most))


def _words_figures(run: Inspection, site: SiteWords) -> tuple[PageFigure, ...]:
    columns = _positions(run, range(run.prefix_len))
    rows = tuple(map(str, site.layers))

    cells = [cell for position in site.positions for cell in position.layers]
    cosines = min(cell.median for cell in cells), max(cell.cosine for cell in cells)

    def panel(title: str, scale: str, name: str, limits: tuple[float, float] | None = None) -> HeatMap:
        values = tuple(
            tuple(getattr(position.layers[layer], name) for position in site.positions) for layer in range(len(rows))
        )
        return HeatMap(title, rows, columns, values, scale, limits=limits)

    where = f", {site.site}" if len(run.words) > 1 else ""
    likeness = (
        panel("cosine with the nearest token", "cosine", "cosine", cosines),
        panel("cosine with the median token", "cosine", "median", cosines),
    )
    caption = (
        "What to see: where the left panel is much darker than the right one, the prefix is like one token and unlike "
        "most; where both are alike, it only points where all keys and values of the layer point. Computed: the mean "
        "of the cosine of keys and that of values, each averaged over the heads, for "
        f"{run.candidates:,} tokens of {run.vocabulary:,}."
    )
    first = PageFigure(f"Direction beside that of tokens{where}", caption, heat_maps(likeness))
    sizes = (
        panel("keys", "times the median token's", "key_size"),
        panel("values", "times the median token's", "value_size"),
    )
    caption = (
        "What to see: sizes near 1 are those of a token, much larger ones are those of none: a large value moves the "
        "output far although little attention falls on it. Computed: the norm of keys, or values, over all heads of a "
        "layer, divided by that of the median token."
    )
    return first, PageFigure(f"Size beside that of tokens{where}", caption, heat_maps(sizes))


def _by_site(attention: Sequence[SiteAttention]) -> list[list[SiteAttention]]:
    sites = dict.fromkeys(site_attention.site for site_attention in attention)
    return [[site_attention for site_attention in attention if site_attention.site == site] for site in sites]


def _attention_figure(run: Inspection, of_site: Sequence[SiteAttention]) -> PageFigure:
    columns = _positions(run, range(run.prefix_len))
    most = max(share for site_attention in of_site for layer in site_attention.shares for share in layer) or 1.0
    panels = [
        HeatMap(
            f"while {site_attention.kind} ({site_attention.tokens:,} tokens)",
            tuple(map(str, site_attention.layers)),
            columns,
            tuple(tuple(100 * share for share in layer) for layer in site_attention.shares),
            "% of the attention",
            limits=(0.0, 100 * most),
            is_root=True,
        )
        for site_attention in of_site
    ]
    site = of_site[0].site
    title = "Attention to each position" + (f", {site}" if run.is_seq2seq else "")
    even = [site_attention for site_attention in of_site if site_attention.even is not None]
    caption = (
        "What to see: dark cells are positions that the tokens of the text look at in that layer; colours grow with "
        "the square root of the share. Computed: the weight "
        f"of the softmax, averaged over heads and tokens, for {run.inputs} inputs of the {run.split} part with the "
        "outputs that the run wrote for them. Tokens that read are those of the input, tokens that write predict the "
        "output. "
    )
    if even:
        spread = ", ".join(f"{percent(site_attention.even)} while {site_attention.kind}" for site_attention in even)
        caption += f"Spread evenly over all that a token sees, a position would get {spread}."
    else:
        caption += "The prefix has a softmax of its own, so its weights are multiplied by the size of the gate here."
    return PageFigure(title, caption, heat_maps(panels))


def _attention_rows(run: Inspection) -> list[tuple[str, list[str]]]:
    """Position → share of each site and kind, the mean over layers; the whole prefix in the last row."""
    means = [site_attention.by_position for site_attention in run.attention]
    names = _positions(run, range(run.prefix_len))
    rows = [(name, [percent(mean[index]) for mean in means]) for index, name in enumerate(names)]
    return [*rows, ("whole prefix", [percent(sum(mean)) for mean in means])] if means else []


def _loss_figures(run: Inspection) -> list[PageFigure]:
    losses = run.losses
    over = f"{losses.pairs} development pairs of {losses.inputs} inputs"
    sites = list(dict.fromkeys(part.site for part in losses.layers))
    several = len(sites) > 1
    panels = [_change_panel(run, "one position", "position", losses.positions)]
    for site in sites:
        of_site = [part for part in losses.layers if part.site == site]
        panels.append(_change_panel(run, f"one layer of {site}" if several else "one layer", "layer", of_site))
    title = "One position or one layer left out"
    caption = (
        "What to see: points above zero are parts that the outputs need, points below it parts without which the model "
        "does better; bars that cross zero say neither. A layer is left out at all positions, a position at all "
        "layers. "
        f"Computed: the loss without the part minus the loss with the whole prefix ({losses.loss:.3f}), both measured "
        f"over the same {over}; bars are 95 % intervals over these inputs."
    )
    figures = [PageFigure(title, caption, changes(panels))]
    maps = [_cells(run, site, several) for site in sites]
    title = "Positions and layers left out together"
    caption = (
        "What to see: orange cells are where the prefix does its work, purple ones where it does harm; a dot marks a "
        "change whose 95 % interval leaves zero out. Computed: one measurement of the loss a cell, without these "
        f"positions at these layers alone, over {losses.cell_pairs} of the pairs. Single cells do not add up to what a "
        "whole row or column costs, because other positions and layers stand in."
    )
    return [*figures, PageFigure(title, caption, heat_maps(maps))]


def _change_panel(run: Inspection, what: str, x_label: str, of: Sequence[Change]) -> Changes:
    if x_label == "position":
        labels = tuple(_group_name(run, part.positions) for part in of)
    else:
        labels = tuple(range_text(part.layers) for part in of)
    half_widths = tuple(part.half_width for part in of)
    return Changes(f"{what} left out", x_label, LOSS, labels, tuple(part.change for part in of), half_widths)


def _cells(run: Inspection, site: str, several: bool) -> HeatMap:
    cells = [cell for cell in run.losses.cells if cell.site == site]
    layers = list(dict.fromkeys(cell.layers for cell in cells))
    positions = list(dict.fromkeys(cell.positions for cell in cells))
    by_place = {(cell.layers, cell.positions): cell for cell in cells}
    grid = [[by_place[layer, position] for position in positions] for layer in layers]
    return HeatMap(
        title=site if several else "",
        rows=tuple(map(range_text, layers)),
        columns=tuple(_group_name(run, group) for group in positions),
        values=tuple(tuple(cell.change for cell in row) for row in grid),
        scale=LOSS,
        is_diverging=True,
        marks=tuple(tuple(cell.is_clear for cell in row) for row in grid),
        row_label="layers" if any(len(numbers) > 1 for numbers in layers) else "layer",
        column_label="positions" if any(len(numbers) > 1 for numbers in positions) else "position",
    )


def _loss_rows(run: Inspection) -> list[tuple[str, Change]]:
    """What was left out → what it costs, the dearest first."""
    losses = run.losses
    several = bool(losses.sites)
    rows = [("the whole prefix", losses.everything)]
    rows += [(f"site {part.site}", part) for part in losses.sites]
    single = [(f"position {_group_name(run, part.positions)}", part) for part in losses.positions]
    single += [
        (f"layer {range_text(part.layers)}" + (f" of {part.site}" if several else ""), part) for part in losses.layers
    ]
    return [*rows, *sorted(single, key=lambda row: -row[1].change)]


def _positions(run: Inspection, positions: Iterable[int]) -> tuple[str, ...]:
    return tuple(_group_name(run, (position,)) for position in positions)


def _group_name(run: Inspection, positions: Sequence[int]) -> str:
    """The number of a position with its nearest word, where that is near (LEAD) and in the figures' font."""
    name = range_text(positions)
    if len(positions) != 1 or len(run.words) != 1:
        return name
    position = run.words[0].positions[positions[0]]
    word = position.nearest[0].token.replace("␣", "")
    is_shown = 0 < len(word) < 16 and all(0x20 < ord(sign) < LATIN for sign in word)
    return f"{name} {word}" if is_shown and position.nearest[0].cosine - position.median >= LEAD else name
