"""Many runs of one command: planned, launched, held apart, and told in one table."""
