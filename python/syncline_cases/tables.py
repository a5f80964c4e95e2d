"""A case's own tables in a database that may be somebody's."""

import os
import sys

from sqlalchemy import Connection, MetaData, inspect


def recreate(connection: Connection, metadata: MetaData) -> None:
    """Drops and creates the tables; ends the program if one exists and is not the case's.

    A table is the case's own if its comment is the one in the metadata.
    """
    inspector = inspect(connection)
    for table in metadata.sorted_tables:
        if not inspector.has_table(table.name):
            continue
        if inspector.get_table_comment(table.name)["text"] != table.comment:
            raise refused(
                f"The database has a table {table.name!r} that is not this case's; "
                "give another database."
            )
    metadata.drop_all(connection)
    metadata.create_all(connection)


def refused(sentence: str) -> SystemExit:
    """The end of a program that cannot do what it was asked: the sentence, and status 2."""
    print(sentence, file=sys.stderr)
    return SystemExit(2)


def count_setting(name: str, default: int, least: int = 0) -> int:
    """The whole number in the environment variable ``name``; ends the program if it is none."""
    text = os.environ.get(name, str(default))
    if not (text.isascii() and text.isdecimal()) or int(text) < least:
        raise refused(f"{name} is {text!r}; it must be a whole number, {least} or more.")
    return int(text)
