from __future__ import annotations

import pytest

from syncline.launch import server_argv
from syncline.trial import Interface, Server, Variant
from syncline.whatif import imposed


def argv(variant: Variant, host: str = "127.0.0.1") -> str:
    return " ".join(server_argv(variant, host=host, port=8000, python="PY"))


def test_uvicorn_is_started_without_access_log_and_with_one_process() -> None:
    assert argv(Variant("a", app="m:app")) == (
        "PY -m uvicorn --host 127.0.0.1 --port 8000 --no-access-log --loop auto m:app"
    )


def test_workers_and_loop_reach_each_server() -> None:
    words: dict[Server, str] = {
        "uvicorn": "--host 127.0.0.1 --port 8000 --no-access-log --loop uvloop --workers 4",
        "granian": "--interface asgi --host 127.0.0.1 --port 8000 --workers 4 --loop uvloop",
        "hypercorn": "--bind 127.0.0.1:8000 --workers 4 --worker-class uvloop",
        "gunicorn": "--bind 127.0.0.1:8000 --workers 4 --worker-class asgi --asgi-loop uvloop",
    }
    for server, options in words.items():
        variant = Variant("a", app="m:app", server=server, workers=4, loop="uvloop")
        assert argv(variant) == f"PY -m {server} {options} m:app"


def test_each_server_is_told_in_its_own_way_to_call_what_makes_the_application() -> None:
    ends: dict[Server, str] = {
        "uvicorn": "--loop auto --factory m:make",
        "granian": "--loop auto --factory m:make",
        "hypercorn": "m:make()",
        "gunicorn": "m:make()",
    }
    for server, end in ends.items():
        assert argv(Variant("a", app="m:make()", server=server)).endswith(f" {end}")
    wsgi = Variant("a", app="m:make()", server="waitress", interface="wsgi")
    assert argv(wsgi).endswith(" --call m:make")


def test_a_variants_own_arguments_come_later_and_so_win() -> None:
    variant = Variant("a", app="m:app", server_args=("--access-log", "--log-level", "debug"))
    assert argv(variant).endswith(
        "--no-access-log --loop auto --access-log --log-level debug m:app"
    )


def test_a_command_has_its_places_filled_and_other_braces_left() -> None:
    command = ("{python}", "-m", "x", "--on={host}:{port}", "{}", '{"a": {port}}', "{other}")
    assert argv(Variant("a", command=command)) == (
        'PY -m x --on=127.0.0.1:8000 {} {"a": 8000} {other}'
    )


@pytest.mark.parametrize("server", ["hypercorn", "gunicorn"])
def test_an_ipv6_address_is_bracketed_before_a_port(server: Server) -> None:
    assert "--bind [::1]:8000" in argv(Variant("a", app="m:app", server=server), host="::1")


@pytest.mark.parametrize(
    ("server", "interface", "what_ifs", "options"),
    [
        ("uvicorn", "asgi", {"access_log": "on"}, "--no-access-log --loop auto X --access-log"),
        ("uvicorn", "asgi", {"access_log": "off"}, "X --no-access-log m:app"),
        ("uvicorn", "asgi", {"keep_alive": "75"}, "X --timeout-keep-alive 75 m:app"),
        ("uvicorn", "asgi", {"keep_alive": "off"}, "X --header connection:close m:app"),
        ("uvicorn", "asgi", {"log_level": "error"}, "X --log-level error m:app"),
        ("granian", "asgi", {"access_log": "on"}, "X --access-log m:app"),
        ("granian", "asgi", {"keep_alive": "off"}, "X --no-http1-keep-alive m:app"),
        ("hypercorn", "asgi", {"keep_alive": "9"}, "X --keep-alive 9 m:app"),
        ("gunicorn", "wsgi", {"keep_alive": "off"}, "X --keep-alive 0 m:app"),
        ("gunicorn", "wsgi", {"access_log": "on"}, "X --access-logfile - m:app"),
    ],
)
def test_what_ifs_come_after_a_variants_own_arguments(
    server: Server, interface: Interface, what_ifs: dict[str, str], options: str
) -> None:
    variant = Variant("a", app="m:app", server=server, server_args=("X",), interface=interface)
    assert options in argv(imposed(variant, what_ifs))


def test_no_access_log_takes_back_the_arguments_that_ask_for_one() -> None:
    for own in (
        ("--access-logfile", "-", "--threads", "4"),
        ("--access-logfile=-", "--threads", "4"),
    ):
        variant = Variant("a", app="m:app", server="gunicorn", interface="wsgi", server_args=own)
        assert argv(imposed(variant, {"access_log": "off"})).endswith(
            "--workers 1 --threads 4 m:app"
        )
