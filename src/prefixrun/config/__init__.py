"""What a run is told: the schema of its settings, their composition by Hydra, and what can be wrong with them."""
