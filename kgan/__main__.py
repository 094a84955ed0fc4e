"""Lets `python -m kgan` do what the command `kgan` does."""

from kgan.cli import main

if __name__ == "__main__":
    main()
