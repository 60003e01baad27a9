"""The whole results tree as one HTML file: `prefixrun report`."""

from prefixrun.report.contents import Built, build

__all__ = ["Built", "build"]
