"""The whole results tree as one HTML file: `prefixrun report`."""

from prefixrun.report.build import Built, build

__all__ = ["Built", "build"]
