"""The whole results tree as one HTML file: `prefixrun report`."""

from prefixrun.analysis.html.contents import BuiltReport, build

__all__ = ["BuiltReport", "build"]
