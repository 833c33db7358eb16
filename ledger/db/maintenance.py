"""SQL of the ledger's upkeep: folding deltas, sealing the audit log, partitions ahead."""

from ledger.db.engine import Connection

BATCH = 10_000


def fold_balance_deltas(connection: Connection) -> int:
    """Fold one batch of waiting deltas into the checkpoints; returns how many rows."""
    return _count(connection, "SELECT public.fold_balance_deltas(%s) AS n", BATCH)


def seal_audit(connection: Connection) -> int:
    """Seal one batch of waiting audit rows; returns how many."""
    return _count(connection, "SELECT public.seal_audit(%s) AS n", BATCH)


def create_posting_partitions(connection: Connection, months_ahead: int) -> int:
    """Create the month partitions that are missing up to some months ahead; returns how many."""
    return _count(
        connection,
        "SELECT public.create_posting_partitions(now()::date,"
        " (now() + make_interval(months => %s))::date) AS n",
        months_ahead,
    )


def _count(connection: Connection, query: str, argument: int) -> int:
    row = connection.execute(query, (argument,)).fetchone()
    assert row is not None
    count: int = row["n"]
    return count
