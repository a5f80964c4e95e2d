"""A key-value server on an embedded store.

Read it in this order: ``server`` (listening, time, stopping), ``connection`` (bytes in,
answers out, in order), ``blocking`` and ``nonblocking`` (where the store's work is done),
``handover`` (the bounded queue and its threads), ``request`` (what is asked), ``operations``
and ``answers`` (what is done and said), ``store`` with ``rocks`` and ``lightning``.
"""
