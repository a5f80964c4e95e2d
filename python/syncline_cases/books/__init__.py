"""A bookstore: books with authors and genres, many to many, read sync and async.

Read it in this order: ``models``, ``queries``, ``sync_routes`` beside ``async_routes``, then
the two applications that are made of them.
"""
