"""The case as Syncline runs it."""

from syncline.plan import Request, Timeouts
from syncline.trial import Case, Load, Published, Variant

# wrk's bound for what it counts as a time-out, so that starved connections show as such.
TIMEOUTS = Timeouts(connect_s=2, response_s=2, total_s=5)
ALL_ERRORS = "every answer was an error page"


def load(duration_s: float, warmup_s: float) -> Load:
    request = Request("/", name="index", expect=(200,))
    return Load(100, duration_s, (request,), warmup_s=warmup_s, timeouts=TIMEOUTS)


def variant(name: str, title: str, *options: str, **settings: str) -> Variant:
    module = "syncline_cases.httpd.seeded"
    command = ("{python}", "-m", module, *options, "--host", "{host}", "{port}")
    # Lines leave the process as any program's do: one by one to a terminal, else in blocks.
    env = {"PYTHONUNBUFFERED": ""}
    return Variant(name, title, command=command, env=env, settings=settings)


def published(name: str, throughput_rps: float, mean_ms: float, timeouts: int) -> Published:
    note = f"{ALL_ERRORS}; {timeouts} time-outs"
    return Published(name, 100, throughput_rps=throughput_rps, mean_ms=mean_ms, note=note)


CASE = Case(
    name="httpd",
    title="a thread-pool static file server: 1 to 50 workers",
    question="Do more worker threads serve more requests, and what does a line of log cost?",
    variants=(
        variant("w1-logged", "1 worker, log to a terminal", "-w", "1", stdout="terminal"),
        variant("w1", "1 worker", "-q", "-w", "1"),
        variant("w4", "4 workers", "-q", "-w", "4"),
        variant("w10", "10 workers", "-q", "-w", "10"),
        variant("w50", "50 workers", "-q", "-w", "50"),
        variant("w1-nothing", "1 worker, nothing to serve", "-q", "-w", "1", content="none"),
        variant("w1-logged-file", "1 worker, log to no terminal", "-w", "1"),
        variant("w1-hand-back", "1 worker, shared", "-q", "-w", "1", "--hand-back"),
        variant("w4-hand-back", "4 workers, shared", "-q", "-w", "4", "--hand-back"),
        variant("w10-hand-back", "10 workers, shared", "-q", "-w", "10", "--hand-back"),
        variant("w50-hand-back", "50 workers, shared", "-q", "-w", "50", "--hand-back"),
    ),
    default_variants=("w1-logged", "w1", "w4", "w10", "w50", "w1-nothing", "w10-hand-back"),
    # A worker keeps its connection to the end: those beyond the workers are never served.
    faulty=("w1-nothing", "w1-logged", "w1-logged-file", "w1", "w4", "w10", "w50"),
    ready_path="/",
    settings={
        "content": "what there is to serve: seeded, or none (seeded)",
        "stdout": "where the log goes: inherited, or terminal, one that is read (inherited)",
    },
    loads=(load(20, 1),),
    quick_loads=(load(4, 0.25),),
    published_loads=(load(30, 0),),
    published=(
        published("w1-logged", 1793.97, 5.70, 7),
        published("w1", 2503.74, 4.73, 5),
        published("w4", 2208.11, 8.96, 20),
        published("w10", 2164.28, 13.26, 21),
        published("w50", 2105.68, 28.53, 2),
    ),
    source="a student's report on a thread-pool server, run with wrk -c 100 -d 30 -t 1",
)
