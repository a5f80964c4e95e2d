"""Codes that can be told from outside: connections, errors, the life of the service, validity."""

from __future__ import annotations

from syncline.diagnosis.catalogue.entry import Entry

_LISTEN = "https://man7.org/linux/man-pages/man2/listen.2.html"

ENTRIES = (
    Entry(
        "connections-starved",
        "A few connections hold the workers; the others get no answer although the average looks "
        "healthy.",
        "A worker serves its connection for as long as that stays open; with keep-alive those "
        "who came first keep the workers, and the rest wait unread behind a good average.",
        (
            "connections on which no response ever ended, while others had many",
            "established sockets with bytes that nobody reads",
        ),
        (
            "Return to a shared queue or event loop after each response, not after each "
            "connection.",
            "A bound on requests per connection and on its idle time.",
            "A proxy in front that keeps the clients' connections.",
        ),
        ("More worker threads: so many more connections are served, and no other.",),
        ("RFC 9112, section 9.3",),
    ),
    Entry(
        "accept-queue-full",
        "The listen queue overflows: connections are refused, dropped or never served.",
        "The service accepts more slowly than clients connect; beyond the backlog the kernel "
        "drops their attempts, which come again after 1, 3 and 7 s.",
        (
            "the kernel's counters of listen-queue overflows",
            "connect errors and time-outs, connect times of a second and more",
        ),
        (
            "Find what keeps the service from accepting; it is usually the root.",
            "Keep connections alive, so that fewer are opened.",
            "A longer backlog (and net.core.somaxconn) for bursts.",
        ),
        ("A longer backlog against a steady overload.",),
        (_LISTEN,),
    ),
    Entry(
        "keep-alive-off",
        "Each request opens a connection although keep-alive was asked.",
        "The service closes after each answer, so each request pays a handshake and a port in "
        "TIME_WAIT; the figures are those of connecting as much as of answering.",
        ("connections opened per answer about 1 although the plan keeps them",),
        (
            "HTTP/1.1 with Content-Length or chunked bodies; no 'Connection: close'.",
            "A longer keep-alive time-out; for gunicorn another worker class than sync.",
        ),
        (),
        ("RFC 9112, section 9.3",),
    ),
    Entry(
        "errors-dominate",
        "Most answers are errors: the error page was measured.",
        "An error is often cheaper than an answer, so its rate and latency say nothing of the "
        "service's work.",
        ("failed requests over all that ended, by status and kind", "the first bodies"),
        ("Look at the first error and make the request succeed; then measure.",),
        (),
        ("RFC 9110, section 15",),
    ),
    Entry(
        "hang",
        "Answers stopped and did not resume; the cause is not known more narrowly.",
        "Requests are in flight and none ends: they wait for each other, for a lock, or for "
        "something outside.",
        ("time without an answer while requests are in flight", "stacks of threads and tasks"),
        ("Look at where threads and tasks stand; run again with the probe if it was off.",),
        (),
        (),
    ),
    Entry(
        "crash",
        "The service died or restarted during the load.",
        "Its process ended by itself, by a signal, or by the kernel for want of memory; what was "
        "in flight is lost.",
        ("exit status or signal", "the last lines of its log", "connections refused or reset"),
        ("Read the last lines of the log; signal 9 without a sender is mostly want of memory.",),
        (),
        ("https://man7.org/linux/man-pages/man7/signal.7.html",),
    ),
    Entry(
        "generator-bound",
        "The load generator was the limit.",
        "It used its whole core, ran out of ports or sent late, so the figures are its own.",
        ("the generator's CPU, lateness and unsent requests",),
        (
            "More generator threads on cores of their own, or other machines.",
            "Fewer connections, a lower rate.",
        ),
    ),
    Entry(
        "not-steady",
        "There is no steady state within the run.",
        "The service warms up, fills something or slows down meanwhile, so one mean describes no "
        "part of it.",
        ("a change point in the answers per interval, beyond their spread",),
        ("A longer run or warm-up; look at what changes at that instant.",),
    ),
    Entry(
        "noisy",
        "The machine's noise hides the difference that was asked about.",
        "Others use the same processors, or repeats scatter as widely as the variants differ.",
        (
            "steal time",
            "the spread between repeats of one trial",
            "the load generator kept from running on a core that it did not use up",
        ),
        ("More repeats; a quiet machine; dedicated cores.",),
        (),
        ("A. Georges et al., Statistically rigorous Java performance evaluation, OOPSLA 2007",),
    ),
    Entry(
        "healthy",
        "Nothing stands in the way up to the load that was tried.",
        "All that would keep the service from answering was looked for, as far as it could be "
        "seen, and not found.",
        ("none of the other codes fits", "which resource would give out first"),
        ("Nothing. To know the limit, load it further.",),
    ),
)
