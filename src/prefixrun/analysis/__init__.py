"""The paper beside our runs: comparisons, tables, figures and claims."""
