"""Finished runs as one table: listed, looked up, compared, verified, archived, used again."""
