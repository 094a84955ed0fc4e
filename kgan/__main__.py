"""Lets `python -m kgan` do what the command `kgan` does."""

from kgan.app.cli import main

if __name__ == "__main__":
    main()
