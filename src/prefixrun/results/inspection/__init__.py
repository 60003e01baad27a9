"""What a trained prefix says, in numbers: the nearest words, the attention it gets, and what its parts are worth.

`inspection` puts together what the other modules measure; analysis.html.inspection_page shows it.
"""
