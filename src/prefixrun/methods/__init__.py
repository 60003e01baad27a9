"""Methods: which parameters are trained."""

from prefixrun.methods.prefix import FlatPrefix, MLPPrefix, Prefix, build_prefix, fronts_of

__all__ = ["FlatPrefix", "MLPPrefix", "Prefix", "build_prefix", "fronts_of"]
