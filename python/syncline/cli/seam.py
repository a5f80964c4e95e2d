"""The one place where an error becomes a sentence and an exit code."""

from __future__ import annotations

import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import click

from syncline.errors import SynclineError
from syncline.mask import mask
from syncline.report.clean import lines

INTERRUPTED = 130
_INTERNAL = 70  # EX_SOFTWARE of sysexits.h: a fault of Syncline itself

# While things are stopped, further signals only disturb; after this long they count again.
_PATIENCE_S = 10.0


def run(command: click.Command, arguments: Sequence[str]) -> int:
    """Runs a command; whatever it ends with, returns the exit code and prints what to say."""
    debug = "--debug" in arguments  # wherever it stands
    arguments = [word for word in arguments if word != "--debug"]
    with signals_as_interrupts():
        try:
            code = command.main(arguments, prog_name="syncline", standalone_mode=False)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            return error.exit_code
        except click.ClickException as error:
            return _say(_click_sentence(error), error.exit_code, debug=debug)
        except (click.Abort, KeyboardInterrupt):
            return _say("Interrupted.", INTERRUPTED, debug=debug, what="")
        except SynclineError as error:
            return _say(str(error), error.exit_code, debug=debug)
        except BrokenPipeError:
            return 1
        except SystemExit as error:  # a command that chose its exit code
            return error.code if isinstance(error.code, int) else int(error.code is not None)
        except Exception as error:  # noqa: BLE001 - the last line of defence
            text = f"{type(error).__name__}: {error} (a fault of Syncline; --debug shows where)"
            return _say(text, _INTERNAL, debug=debug)
    return code if isinstance(code, int) else 0


@contextmanager
def signals_as_interrupts() -> Iterator[None]:
    """SIGTERM and SIGHUP end the program as Ctrl-C does: by unwinding, so that all is stopped.

    A plain ``finally`` does not run on SIGTERM. Once the first signal came, further ones are
    ignored for some seconds: an impatient second Ctrl-C would leave services running.
    """
    first_at: list[float] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if first_at and time.monotonic() - first_at[0] < _PATIENCE_S:
            return
        first_at[:] = [time.monotonic()]
        raise KeyboardInterrupt(signal.Signals(number).name)

    watched = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # Started in the background of a script, SIGINT and SIGHUP are ignored: that stays so.
    before = {
        number: signal.signal(number, on_signal)
        for number in watched
        if signal.getsignal(number) not in (signal.SIG_IGN, None)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _click_sentence(error: click.ClickException) -> str:
    text = error.format_message()
    text = text if text.endswith((".", "?", ")")) else f"{text}."
    if isinstance(error, click.UsageError) and error.ctx is not None:
        text += f" See '{error.ctx.command_path} --help'."
    return text


def _say(text: str, code: int, *, debug: bool, what: str = "Error: ") -> int:
    if debug:
        traceback.print_exc()
    # An error may quote a service's log: no control character of it reaches the terminal.
    for line in lines(mask(f"{what}{text}")):
        print(line, file=sys.stderr)
    return code
