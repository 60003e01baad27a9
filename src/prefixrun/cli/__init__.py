"""The command ``prefixrun``: its main function, one file a subcommand, and what is shown of a run."""
