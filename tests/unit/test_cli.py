"""The command line: one sentence and the right exit code for what a user can do wrong."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest

import syncline_cases
from syncline.cli import cli
from syncline.cli.choices import backend_url, levels
from syncline.cli.files import write_text
from syncline.cli.group import COMMANDS
from syncline.cli.run import Asked, Output, build_experiment, put_out
from syncline.cli.seam import run
from syncline.errors import EnvironmentLackError, StoreError, UsageError
from syncline.store import Store
from tests.unit.factories import case, run_record


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def wrong(arguments: Sequence[str], capsys: pytest.CaptureFixture[str], code: int = 2) -> str:
    """What a command that must fail says: one line on standard error, nothing else."""
    assert run(cli, list(arguments)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("run nosuch", "There is no case 'nosuch'; there are: users"),
        ("run users --variant nosuch", "users has no variant 'nosuch'; it has: sync, async"),
        ("run users --connections 1,x", "'x' is no number of connections"),
        ("run users --connections 0", "'0' is no number of connections"),
        ("run users --duration soon", "'soon' is no duration"),
        ("run users --database-url nonsense", "is no database URL"),
        ("run users --database-url postgresql://h:x/d", "is no URL"),
        ("run users --database-url mysql://h/d", "users uses no mariadb"),
        ("run users --quick --as-published", "exclude each other"),
        ("run users --json nosuch/out.json", "the directory nosuch does not exist"),
        ("run users --json .", "is a directory"),
        ("run users --nosuch", "No such option '--nosuch'"),
        ("run", "There is no syncline.toml in this folder"),
        ("serve users --variant nosuch", "users has no variant 'nosuch'"),
        ("profile users --rate 9", "Which variant? Name one of users by --variant: sync, async"),
        ("profile users --variant sync --vs sync --rate 9", "--vs sync names the variant itself"),
        ("profile users --variant sync --path /x --rate 9", "users is a case that ships"),
        ("serve users --port 70000", "70000 is not in the range"),
        ("completion tcsh", "'tcsh' is not one of"),
        ("nosuch", "No such command 'nosuch'"),
        ("load http://nosuch.invalid/ -d 1", "nosuch.invalid"),
    ],
)
def test_a_wrong_command_is_one_sentence_and_exit_code_2(
    line: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert says in wrong(line.split(), capsys)


def test_a_port_in_use_is_refused_before_anything_starts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        said = wrong(["serve", "users", "--variant", "sync", "--port", str(port)], capsys)
    assert f"Port {port} on 127.0.0.1 is in use" in said


def test_a_password_in_a_wrong_url_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    said = wrong(["run", "users", "--database-url", "foo://me:hunter2@h/x"], capsys)
    assert "hunter2" not in said


def test_a_store_that_cannot_be_made_ends_the_run_before_it_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    said = wrong(["run", "users", "--store", "file/runs.db"], capsys)
    assert "Cannot make the store's directory" in said


@click.group()
def trouble() -> None:
    pass


@trouble.command()
@click.argument("kind")
def meet(kind: str) -> None:
    match kind:
        case "lack":
            raise EnvironmentLackError("\x1b[31mThe disk is full.")
        case "interrupt":
            raise KeyboardInterrupt
        case "term" | "hup":
            number = signal.SIGTERM if kind == "term" else signal.SIGHUP
            os.kill(os.getpid(), number)
            signal.pause()
        case "twice":
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                signal.pause()
            finally:
                os.kill(os.getpid(), signal.SIGTERM)
                click.echo("cleaned up")
        case "bug":
            raise ZeroDivisionError("by zero")


def test_an_escape_sequence_in_an_error_does_not_reach_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(trouble, ["meet", "lack"]) == 2
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["interrupt", "term", "hup"])
def test_signals_end_the_program_with_130(kind: str) -> None:
    assert run(trouble, ["meet", kind]) == 130


def test_a_second_signal_does_not_disturb_the_clean_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(trouble, ["meet", "twice"]) == 130
    assert "cleaned up" in capsys.readouterr().out


def test_signal_handlers_are_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    run(trouble, ["meet", "term"])
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_fault_of_ours_has_a_traceback_only_with_debug(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(trouble, ["meet", "bug"]) == 70
    assert "Traceback" not in capsys.readouterr().err
    assert run(trouble, ["meet", "bug", "--debug"]) == 70
    assert "ZeroDivisionError" in capsys.readouterr().err


def walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from walk(found, f"{path} {name}")


@pytest.mark.parametrize(("path", "command"), [*walk(cli, "syncline")])
def test_every_command_has_an_example_of_itself_in_its_help(
    path: str, command: click.Command
) -> None:
    assert command.epilog is not None
    assert "Example" in command.epilog
    assert path in command.epilog
    assert command.help


def test_the_version_and_the_help_name_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cli, ["--version"]) == 0
    assert capsys.readouterr().out.startswith("syncline 0.")
    assert run(cli, ["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)
    assert "More:" not in text, "a command has no section and no line in cli/group.py"


def test_cases_says_each_case_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cli, ["cases"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(syncline_cases.names())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(cli, ["completion", shell]) == 0
    assert "_SYNCLINE_COMPLETE" in capsys.readouterr().out


def test_the_shell_completes_commands_cases_and_variants() -> None:
    from click.shell_completion import ShellComplete

    complete = ShellComplete(cli, {}, "syncline", "_SYNCLINE_COMPLETE").get_completions
    assert [item.value for item in complete([], "ru")] == ["run", "runs"]
    assert [item.value for item in complete(["run"], "us")] == ["users"]
    found = [item.value for item in complete(["run", "users", "--variant"], "async")]
    assert found[0] == "async"


def test_levels_are_read_in_order_and_once() -> None:
    assert levels("12, 1,12") == (12, 1)
    with pytest.raises(UsageError, match="'²'"):
        levels("1,²")


def test_a_database_url_tells_its_back_end() -> None:
    assert backend_url("postgresql+asyncpg://u@h/d")[0] == "postgres"
    assert backend_url("redis://h")[0] == "valkey"


def test_levels_and_durations_from_the_command_line_shape_the_loads() -> None:
    asked = Asked(variants=("async",), connections=(24, 500), duration_s=4.0)
    trials = build_experiment(case(), asked).trials
    assert [trial.load.connections for trial in trials] == [24, 500]
    assert {trial.load.duration_s for trial in trials} == {4.0}
    assert {trial.variant.name for trial in trials} == {"async"}


def test_a_file_is_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out.json"
    write_text(target, "old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EnvironmentLackError, match="the disk is full"):
        write_text(target, "new")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_the_comparison_is_shown_even_if_its_files_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(name: object, text: str) -> None:
        raise EnvironmentLackError(f"{name} could not be written: the disk is full.")

    monkeypatch.setattr("syncline.cli.files.write_text", full)
    with pytest.raises(EnvironmentLackError, match=r"out\.json could not be written"):
        put_out(run_record(), Output("out.json", tmp_path))
    assert "async" in capsys.readouterr().out


def test_no_permission_for_the_store_is_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(place: str) -> Store:
        raise StoreError("Cannot make the store's directory: no permission to write there.")

    monkeypatch.setattr(Store, "open", refused)
    assert "no permission" in wrong(["run", "users"], capsys)
