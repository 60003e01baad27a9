"""What runs say over seeds and inputs: comparisons, the paper's tables and figures, its claims."""
