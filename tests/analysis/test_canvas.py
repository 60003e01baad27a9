"""What all pictures share."""

from prefixrun.analysis.canvas import as_bytes, as_svg, canvas_of, metric_label, panels_of


def test_a_picture_has_the_same_bytes_each_time_and_no_date() -> None:
    pictures = []
    for _ in range(2):
        with canvas_of(1, 2.0) as canvas:
            canvas.subplots().plot([1, 2], [3, 4])
            pictures.append((as_svg(canvas), as_bytes(canvas, "png")))
    assert pictures[0] == pictures[1]
    assert "<dc:date>" not in pictures[0][0]


def test_panels_have_one_width_and_the_last_a_share_of_it() -> None:
    with canvas_of(2.5, 2.0) as canvas:
        panels = panels_of(canvas, 2, share_y=True, beside=0.5)
        ratios = panels[0].get_subplotspec().get_gridspec().get_width_ratios()
    assert list(ratios) == [1.0, 1.0, 0.5]


def test_an_axis_says_where_less_is_better() -> None:
    assert metric_label("TER") == "TER (less is better)"
    assert metric_label("BLEU") == "BLEU"
