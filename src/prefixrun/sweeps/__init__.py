"""Many runs of one command: planned, launched, and summarised in one table."""
