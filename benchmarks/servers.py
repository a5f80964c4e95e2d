"""The servers that the load generators are pointed at: ours alone, started and ended here."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import BenchmarkError, pinned

ROOT = Path(__file__).resolve().parents[1]

# One worker; connections live for ever; nothing is written; a 12-byte answer without a file
# and a 4 KB one from an open file, as a static site would send it.
NGINX_CONF = """
daemon off;
worker_processes 1;
worker_rlimit_nofile {descriptors};
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections {connections}; use epoll; }}
http {{
    access_log off;
    server_tokens off;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
    tcp_nodelay on;
    sendfile on;
    open_file_cache max=10 inactive=1h;
    open_file_cache_valid 1h;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=16384;
        root {folder}/site;
        location = /small {{ default_type text/plain; return 200 "hello world\\n"; }}
        location = /4k {{ default_type text/plain; }}
    }}
}}
"""


@contextlib.contextmanager
def nginx(cpu: int, descriptors: int) -> Iterator[str]:
    """A private nginx on one core; gives its base URL.

    Its configuration, prefix and port are its own: no installed nginx is touched.

    Raises:
        BenchmarkError: it is not installed, or does not start.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise BenchmarkError("nginx is not installed; 'make system' installs it on Debian.")
    with tempfile.TemporaryDirectory(prefix="syncline-bench-") as folder:
        Path(folder).chmod(0o755)  # started as root, the worker is somebody else
        Path(folder, "site").mkdir()
        Path(folder, "site/4k").write_bytes(b"x" * 4096)
        port = _free_port()
        Path(folder, "nginx.conf").write_text(
            NGINX_CONF.format(
                folder=folder, port=port, descriptors=descriptors, connections=descriptors - 100
            )
        )
        argv = [program, "-p", folder, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"]
        process = subprocess.Popen(
            [*_bound_to_us(), *pinned(cpu, argv)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(f"{url}/4k", process)
            yield url
        finally:
            _end(process)


@contextlib.contextmanager
def fast_server(cpu: int, body_bytes: int = 12) -> Iterator[str]:
    """The minimal server of engine/examples on one core; gives its base URL."""
    build = ["cargo", "build", "--quiet", "--locked", "--release", "--package", "syncline-engine"]
    subprocess.run([*build, "--example", "fast_server"], cwd=ROOT, check=True)
    program = ROOT / "target/release/examples/fast_server"
    process = subprocess.Popen(
        pinned(cpu, [str(program), str(body_bytes)]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        _end(process)


def nginx_version() -> str:
    """As nginx tells it."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin") or "nginx"
    done = subprocess.run([program, "-v"], capture_output=True, text=True, check=False)
    return done.stderr.strip().removeprefix("nginx version: ")


def _bound_to_us() -> list[str]:
    """A prefix that has the child end with us, even if we are killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, process: subprocess.Popen[bytes], within_s: float = 10) -> None:
    give_up = time.monotonic() + within_s
    while True:
        if process.poll() is not None:
            raise BenchmarkError(f"the server ended with status {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError as error:
            if time.monotonic() > give_up:
                raise BenchmarkError(f"no answer from {url}: {error}") from None
            time.sleep(0.02)


def _end(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
