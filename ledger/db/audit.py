"""SQL of the audit log's writing side, and of the end of its chain."""

from collections.abc import Mapping

from psycopg.types.json import Jsonb

from ledger.core.organisation import AuditSeal
from ledger.db.engine import Connection

Values = Mapping[str, object]


def record(
    connection: Connection,
    action: str,
    subject_type: str,
    subject_id: int,
    *,
    old: Values | None = None,
    new: Values | None = None,
) -> None:
    """Write one audit row in the current transaction, for its actor and channel.

    Never pass a secret: rows stay for ever. ``action`` reads ``thing.happened``.
    """
    connection.execute(
        "SELECT public.record_audit(%s, %s, %s, %s, %s)",
        (
            action,
            subject_type,
            subject_id,
            None if old is None else Jsonb(dict(old)),
            None if new is None else Jsonb(dict(new)),
        ),
    )


def latest_seal(connection: Connection) -> AuditSeal | None:
    """Return the newest seal of the audit chain, or None before the first."""
    row = connection.execute(
        "SELECT id, sealed_at, encode(seal_hash, 'hex') AS digest FROM audit_seals"
        " ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return None if row is None else AuditSeal(row["id"], row["sealed_at"], row["digest"])
