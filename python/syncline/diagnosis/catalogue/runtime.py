"""Codes about the event loop, threads, the interpreter and memory."""

from __future__ import annotations

from syncline.diagnosis.catalogue.entry import Entry

_ASYNCIO = "https://docs.python.org/3/library/asyncio-dev.html"
_THREADPOOL = "https://www.starlette.io/threadpool/"

ENTRIES = (
    Entry(
        "loop-blocked",
        "Synchronous work stands on the event loop, and every request waits for it.",
        "The loop runs one callback at a time: while a synchronous call holds its thread nothing "
        "else of that worker moves, and if the call waits for what only the loop could give back "
        "(a pooled connection), it stands for good.",
        (
            "the loop's lag has the size of a request's latency, or grows with the clock",
            "the stack of the loop's thread meanwhile: file, line and function",
            "from outside: every endpoint is dead, requests lie unread on their sockets",
        ),
        (
            "Use an asynchronous driver or client and await it.",
            "Make the endpoint a plain def, so that it runs in a thread.",
            "Hand the call to a thread: await anyio.to_thread.run_sync(call).",
            "Where a synchronous dependency with yield gives the session: make it asynchronous.",
        ),
        ("A bigger connection pool: it stands at the higher number.",),
        (_ASYNCIO, "https://fastapi.tiangolo.com/async/"),
    ),
    Entry(
        "thread-pool-saturated",
        "Every worker thread is busy, and requests queue for one.",
        "Plain def endpoints take a thread each (40 tokens by default); with all of them in "
        "useful waits the rest stands in line, whatever the CPU could do.",
        (
            "limiter borrowed = total, or all of an executor's threads in use, while requests wait",
            "the threads do useful work: they do not all stand in one pool's wait",
            "CPU to spare",
        ),
        (
            "More thread tokens, if what the threads wait for can bear it.",
            "Asynchronous endpoints for what mostly waits.",
        ),
        ("More tokens over a small connection pool only move the queue into the pool.",),
        (_THREADPOOL, "https://anyio.readthedocs.io/en/stable/threads.html"),
    ),
    Entry(
        "gil-bound",
        "Python code is the limit, and more threads do not help or make it worse.",
        "One thread at a time runs Python code; with several that want to, each hand-over of the "
        "interpreter lock costs system calls and lost caches, so throughput stays flat or falls "
        "as threads are added (the convoy).",
        (
            "the process uses about one core, and throughput does not rise with threads",
            "for the convoy: voluntary context switches per request and system CPU rise with the "
            "threads while user CPU falls",
            "proof: pinned to one core, or without the queue between threads, it is fast again",
        ),
        (
            "Processes instead of threads: more workers.",
            "Fewer threads; no hand-over queue in front of work that does not wait.",
            "A free-threaded interpreter, where the libraries bear it.",
        ),
        ("More threads.",),
        (
            "https://docs.python.org/3/glossary.html#term-global-interpreter-lock",
            "D. Beazley, Understanding the Python GIL (PyCon 2010)",
            "https://docs.python.org/3/howto/free-threading-python.html",
        ),
    ),
    Entry(
        "cpu-bound",
        "One worker uses its core fully, and other cores idle.",
        "A worker process runs Python on one core at a time; at 100 % of it further requests only "
        "queue, while the machine has cores to spare.",
        (
            "the worker's CPU about one core throughout the load",
            "the machine is not full",
        ),
        (
            "More workers, one per core to begin with.",
            "Less work per request; look at the CPU profile.",
        ),
        (),
        ("https://www.uvicorn.org/deployment/",),
    ),
    Entry(
        "lock-contention",
        "A lock of the application serialises the requests.",
        "Whatever the number of threads or tasks, the part under the lock runs one at a time; "
        "throughput is at most 1 / (time under the lock).",
        (
            "many threads or tasks stand in the same acquire, by site",
            "about one request is really worked on at a time; CPU to spare",
        ),
        (
            "Do less under the lock; take it later, release it earlier.",
            "One lock per key instead of one for all.",
        ),
        ("More threads or workers' threads: a longer line.",),
        ("https://docs.python.org/3/library/threading.html#lock-objects",),
    ),
    Entry(
        "memory-growth",
        "Memory rises with the requests and does not level off.",
        "Something keeps what a request made: a cache without a bound, a list in a module, a "
        "session that grows.",
        (
            "the slope of resident memory over requests, its interval above 0 after the warm-up",
            "it rises in both halves of the load: a step is no slope",
        ),
        (
            "Bound the cache; drop the reference; look at the allocation profile's sites.",
            "Until then: recycle workers after so many requests.",
        ),
        (),
        ("https://docs.python.org/3/library/tracemalloc.html",),
    ),
    Entry(
        "descriptor-leak",
        "Open descriptors or threads rise with the requests.",
        "Files, sockets or threads are opened per request and not closed; at the process's limit "
        "nothing more can be opened.",
        ("the slope of descriptors or threads over requests, in both halves of the load",),
        (
            "Close in every path ('with'); one shared HTTP client instead of one per request.",
            "One shared executor instead of one per request.",
        ),
        ("A higher limit (ulimit -n).",),
        ("https://docs.python.org/3/library/contextlib.html",),
    ),
)
