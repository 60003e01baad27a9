"""``python -m prefixrun`` is the command ``prefixrun``."""

from prefixrun.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
