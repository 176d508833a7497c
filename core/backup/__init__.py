"""All that the service remembers, in one file: its database, its blobs and the key of its secrets.

The file is a tar of ``manifest.json``, ``database.dump`` (pg_dump's own format), ``secret.key``
where the service made its key itself, and ``blobs/<key>``. What lies in Redis is not in it: jobs
are rows, which upkeep finds; live event logs and counts of limits begin anew.
"""

from __future__ import annotations

from core.backup.make import Summary, backup
from core.backup.restore import NotEmpty, NotRestorable, restore

__all__ = ["NotEmpty", "NotRestorable", "Summary", "backup", "restore"]
