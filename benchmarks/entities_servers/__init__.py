"""The same key-value service on other HTTP stacks, for ``benchmarks.entities_stacks``.

Each does the same work in the same store as ``syncline_cases.entities`` and leaves out what
that does beyond it: limits, time-outs, escaped keys. ``STORE`` and ``DATA`` name the store.
"""
