"""Whether the record answers and has the shape that this code expects."""

from sqlalchemy import text

from services.transaction import Record


def check_ready(record: Record) -> None:
    """Raises the driver's error while the database is away; a caller turns that into 503."""
    with record.database.transaction() as connection:
        connection.execute(text("select 1 from collaborative limit 0"))
