"""The case as Syncline runs it."""

from syncline.plan import Request, Timeouts, constant_rate
from syncline.trial import Case, Load, Published, Variant

ALL_KEYS = 62**3  # keys of three letters and digits
CONNECTIONS = 64
THOUSANDS = (5, 10, 20, 30, 40)
TIMEOUTS = Timeouts(connect_s=2, response_s=5, total_s=10)
PATH = "/v0/entity?id={{string:3}}"
PUT = Request(PATH, "PUT", name="put", body="{{string:300}}", expect=(201,))
# With fewer entities than there are keys, some are not found.
GET = Request(PATH, name="get", expect=(200, 404))


def load(request: Request, thousands: int, duration_s: float, warmup_s: float) -> Load:
    """A constant rate; its name tells it apart from the same request at another rate."""
    return Load(
        CONNECTIONS,
        duration_s,
        (request,),
        constant_rate(thousands * 1000),
        name=f"{request.name}-{thousands}k",
        warmup_s=warmup_s,
        timeouts=TIMEOUTS,
    )


def variant(name: str, title: str, *options: str) -> Variant:
    module = "syncline_cases.entities.seeded"
    command = ("{python}", "-m", module, *options, "--host", "{host}", "{port}")
    return Variant(name, title, command=command)


def published(variant: str, load: str, note: str) -> Published:
    return Published(variant, CONNECTIONS, load, note=note)


CASE = Case(
    name="entities",
    title="a key-value server on an embedded store: blocking against non-blocking",
    question="Is a server faster that hands its store's work to other threads?",
    variants=(
        variant("blocking", "the store's work where the request was read"),
        variant("non-blocking", "the store's work in 4 threads", "--threads", "4"),
        variant("non-blocking-1", "the store's work in 1 thread", "--threads", "1"),
        variant("lmdb-blocking", "blocking, on LMDB", "--store", "lmdb"),
        variant("lmdb-non-blocking", "4 threads, on LMDB", "--store", "lmdb", "--threads", "4"),
        variant(
            "group-commit",
            "1 thread, a sync for all writes that came meanwhile",
            *("--threads", "1", "--durability", "group-commit"),
        ),
        variant("sync-every", "blocking, a sync for every write", "--durability", "sync-every"),
    ),
    default_variants=("blocking", "non-blocking"),
    ready_path="/v0/entity?id=AAA",
    settings={"entities": f"how many are there at first ({ALL_KEYS}, all keys that there are)"},
    loads=tuple(load(request, rate, 8, 1) for request in (PUT, GET) for rate in THOUSANDS),
    quick_loads=tuple(load(request, rate, 3, 0.5) for request in (PUT, GET) for rate in (5, 20)),
    published_loads=(
        load(PUT, 20, 60, 0),
        load(GET, 20, 60, 0),
        load(PUT, 40, 60, 0),
        load(PUT, 30, 30, 0),
    ),
    published=(
        published("blocking", "put-20k", "faster than the non-blocking one"),
        published("non-blocking", "put-20k", "slower than the blocking one"),
        published("blocking", "get-20k", "slower than the non-blocking one"),
        published("non-blocking", "get-20k", "faster than the blocking one"),
        published("blocking", "put-40k", "the most that it had borne; much slower"),
        published("non-blocking", "put-40k", "much faster than the blocking one"),
        published("blocking", "put-30k", "work and lock waits in the selector threads"),
        published("non-blocking", "put-30k", "work in the pool's threads, hardly any lock wait"),
    ),
    source="a student's report on a Java server with a store of its own, run with wrk2 at 64 "
    "connections",
)
