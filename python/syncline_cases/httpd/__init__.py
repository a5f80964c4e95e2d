"""A static file server on a pool of threads; standard library only.

Read it in this order: ``server`` (who serves which connection when), ``connection`` (bytes
in, responses out), ``request`` and ``paths`` (what is asked), ``files`` (what there is),
``response`` (what is said).
"""
