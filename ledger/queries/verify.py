"""Recompute everything the ledger holds and say what is wrong."""

import psycopg

from ledger.core.context import Context
from ledger.db import verify
from ledger.db.engine import Database
from ledger.db.verify import Finding, Progress

_VERIFIER = Context.of_system("verify")


def _silent(name: str, done: int, total: int) -> None:
    """Report no progress."""


def verify_ledger(database: Database, progress: Progress = _silent) -> list[Finding]:
    """Check sums, running balances, checkpoints, holds and the audit chain on one snapshot.

    Returns the first wrong row of each check that fails; an empty list means all is well.
    Writers are not blocked. ``progress`` is called with a check's name, chunks done and in all.
    """
    with database.transaction(_VERIFIER, isolation=psycopg.IsolationLevel.REPEATABLE_READ) as c:
        c.execute("SET LOCAL statement_timeout = 0")
        c.execute("SET LOCAL work_mem = '64MB'")
        c.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        return list(verify.findings(c, progress))
