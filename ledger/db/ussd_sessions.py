"""SQL of ended USSD sessions."""

from ledger.core.contact import UssdSession
from ledger.db.engine import Connection


def insert(connection: Connection, session: UssdSession) -> bool:
    """Keep a customer's session; False when it is kept already, or the number is nobody's."""
    cursor = connection.execute(
        "INSERT INTO ussd_sessions"
        " (user_id, digest, began_at, seconds, network, outcome, screens)"
        " SELECT u.id, %s, %s, %s, %s, %s, %s FROM users AS u WHERE u.msisdn = %s"
        " ON CONFLICT (digest) DO NOTHING",
        (
            session.digest,
            session.began_at,
            session.seconds,
            session.network,
            session.outcome,
            list(session.screens),
            session.msisdn,
        ),
    )
    return cursor.rowcount == 1
