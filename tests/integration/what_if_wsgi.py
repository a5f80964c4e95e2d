"""A Flask service that tells how many of its requests were inside at once."""

from __future__ import annotations

import threading
import time

from flask import Flask

app = Flask(__name__)
lock = threading.Lock()
inside = peak = 0


@app.get("/work")
def work() -> str:
    global inside, peak
    with lock:
        inside += 1
        peak = max(peak, inside)
    time.sleep(0.02)
    with lock:
        inside -= 1
    return str(peak)
