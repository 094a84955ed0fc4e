"""The command line in this process, for tests."""

from typer.testing import CliRunner

from kgan.app import cli


def run(*arguments, code=0):
    """What `kgan` prints, if it ends with this exit status."""
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    assert result.exit_code == code, f"{result.output}{result.exception!r}"
    return result.output
