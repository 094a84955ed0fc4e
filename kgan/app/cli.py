"""The command `kgan`.

Nothing that takes time is imported before a command runs, so that help is there at once.
"""

# Each of these adds its commands to the application.
from kgan.app import inference_commands, training_commands  # noqa: F401
from kgan.app.shared_options import app


def main():
    """Runs the `kgan` command."""
    app(prog_name="kgan")


if __name__ == "__main__":
    main()
