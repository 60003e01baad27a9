"""The whole results tree as one HTML file: `prefixrun report`."""

from prefixrun.analysis.html.contents import Built, build

__all__ = ["Built", "build"]
