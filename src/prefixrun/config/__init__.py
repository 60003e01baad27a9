"""The settings of a run: their schema, their composition by Hydra, and what can be wrong with them."""
