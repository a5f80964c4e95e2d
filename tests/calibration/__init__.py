"""The honesty suite: what a load generator must report whatever the server does.

Every test drives the engine against a real socket server of ours in a process of its own,
and holds the engine's report against that server's own count. A test of accuracy is one
assertion function, applied to the engine, which must pass it, and to a deliberately wrong
build of it (a mutant), which must not.
"""
