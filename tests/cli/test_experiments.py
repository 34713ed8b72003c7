"""The shell: what a person types, and what comes back."""

import pytest
from typer.testing import CliRunner

from dlib.cli import app

shell = CliRunner()


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DLIB_CACHE", str(tmp_path))


def test_help_lists_the_commands():
    result = shell.invoke(app, ["--help"])
    assert result.exit_code == 0
    for command in ("run", "table", "data", "score"):
        assert command in result.output


def test_run_trains_and_then_loads():
    command = ["run", "dip_vae", "--budget", "smoke", "--only", "vae"]
    first, again = shell.invoke(app, command), shell.invoke(app, command)
    assert first.exit_code == 0, first.output
    assert "trained just now" in first.output
    assert "cache" in again.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "dip"], "no experiment 'dip'"),
        (["run", "dip_vae", "--group", "figure"], "no group 'figure'"),
        (["run", "dip_vae", "--budget", "huge"], "budget must be one of"),
        (["run", "dip_vae", "--only", "gan"], "no run 'gan'"),
    ],
)
def test_mistakes_are_answered_in_a_line(arguments, message):
    result = shell.invoke(app, arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output
