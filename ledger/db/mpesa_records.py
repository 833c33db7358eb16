"""SQL of M-Pesa's own facts: gathered from callbacks in sets, loaded from pulls and statements."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ledger.db.engine import Connection


@dataclass(frozen=True, slots=True)
class MpesaRecord:
    """One fact of M-Pesa. ``amount`` is cents, above zero when it came to us."""

    receipt: str
    amount: int
    occurred_at: datetime
    kind: str = "payment"
    verdict: str = "completed"
    reverses: str | None = None
    account_reference: str | None = None
    party: str | None = None


# Only what came to a payment's own secret path, or to the paybill's, is M-Pesa's word. A body is
# read once: not again for each of its fields, and not by the next run when it became a record.
_FRESH = """
    SELECT c.id, c.kind, c.token, c.payment_id, c.received_at, json_of(c.body) AS body
    FROM mpesa_callbacks AS c
    WHERE c.received_at >= %(start)s AND c.received_at < %(end)s
        AND c.kind IN ('stk', 'b2c_result', 'status_result', 'reversal_result', 'c2b_confirm')
        AND NOT EXISTS (SELECT FROM mpesa_records AS r WHERE r.callback_id = c.id)
"""
_GATHER_PROMPTS = """
    SELECT c.id, p.id, 'callback', item.receipt, cents_of(item.amount),
        coalesce(moment_of(item.occurred), c.received_at)
    FROM fresh AS c
    JOIN payments AS p ON p.token = c.token
    CROSS JOIN LATERAL (
        SELECT max(i ->> 'Value') FILTER (WHERE i ->> 'Name' = 'MpesaReceiptNumber') AS receipt,
            max(i ->> 'Value') FILTER (WHERE i ->> 'Name' = 'Amount') AS amount,
            max(i ->> 'Value') FILTER (WHERE i ->> 'Name' = 'TransactionDate') AS occurred
        FROM jsonb_path_query(c.body, 'lax $.Body.stkCallback.CallbackMetadata.Item[*]') AS i
    ) AS item
    WHERE c.kind = 'stk' AND c.body #>> '{Body,stkCallback,ResultCode}' = '0'
"""
_GATHER_RESULTS = """
    SELECT c.id, p.id, CASE c.kind WHEN 'status_result' THEN 'status' ELSE 'callback' END,
        coalesce(item.receipt, c.body #>> '{Result,TransactionID}'),
        cents_of(item.amount) * CASE WHEN p.kind IN ('withdrawal', 'reversal') THEN -1 ELSE 1 END,
        coalesce(moment_of(item.occurred), c.received_at)
    FROM fresh AS c
    JOIN payments AS p ON p.token = c.token
    CROSS JOIN LATERAL (
        SELECT max(i ->> 'Value') FILTER (WHERE i ->> 'Key' IN ('TransactionReceipt', 'ReceiptNo'))
                AS receipt,
            max(i ->> 'Value') FILTER (WHERE i ->> 'Key' IN ('TransactionAmount', 'Amount'))
                AS amount,
            max(i ->> 'Value') FILTER (WHERE i ->> 'Key' IN ('FinalisedTime', 'FinalizedTime'))
                AS occurred,
            max(i ->> 'Value') FILTER (WHERE i ->> 'Key' = 'TransactionStatus') AS status
        FROM jsonb_path_query(c.body, 'lax $.Result.ResultParameters.ResultParameter[*]') AS i
    ) AS item
    WHERE c.kind IN ('b2c_result', 'status_result', 'reversal_result')
        AND c.body #>> '{Result,ResultCode}' = '0'
        AND coalesce(item.status, 'Completed') = 'Completed'
"""
_GATHER_PAYBILL = """
    SELECT c.id, c.payment_id, 'callback', c.body ->> 'TransID',
        cents_of(c.body ->> 'TransAmount'),
        coalesce(moment_of(c.body ->> 'TransTime'), c.received_at)
    FROM fresh AS c
    WHERE c.kind = 'c2b_confirm'
"""
# Literals of this module only.
_GATHER = f"""
    WITH fresh AS MATERIALIZED ({_FRESH})
    INSERT INTO mpesa_records
        (callback_id, payment_id, source, receipt, amount, occurred_at)
    SELECT * FROM ({_GATHER_PROMPTS} UNION ALL {_GATHER_RESULTS} UNION ALL {_GATHER_PAYBILL})
        AS found (callback_id, payment_id, source, receipt, amount, occurred_at)
    WHERE receipt IS NOT NULL AND amount IS NOT NULL AND amount <> 0
    ON CONFLICT DO NOTHING
"""  # noqa: S608


def gather_callbacks(connection: Connection, start: datetime, end: datetime) -> int:
    """Turn bodies received in a span into records, those that are not yet; returns how many."""
    return connection.execute(_GATHER.encode(), {"start": start, "end": end}).rowcount


def load(
    connection: Connection,
    source: str,
    records: Iterable[MpesaRecord],
    *,
    upload_id: int | None = None,
) -> int:
    """Stream records of a pull or a statement in; what is known stays. Returns the new ones."""
    connection.execute(
        "CREATE TEMPORARY TABLE incoming_records (receipt text, amount bigint,"
        " occurred_at timestamptz, kind text, verdict text, reverses text,"
        " account_reference text, party text) ON COMMIT DROP"
    )
    with connection.cursor().copy("COPY incoming_records FROM STDIN") as copy:
        for record in records:
            copy.write_row(
                (
                    record.receipt,
                    record.amount,
                    record.occurred_at,
                    record.kind,
                    record.verdict,
                    record.reverses,
                    record.account_reference,
                    record.party,
                )
            )
    loaded = connection.execute(
        "INSERT INTO mpesa_records (source, upload_id, receipt, amount, occurred_at, kind,"
        " verdict, reverses, account_reference, party)"
        " SELECT %s, %s, i.* FROM incoming_records AS i ON CONFLICT DO NOTHING",
        (source, upload_id),
    ).rowcount
    connection.execute("DROP TABLE incoming_records")
    return loaded


@dataclass(frozen=True, slots=True)
class Upload:
    """A statement file: what it covers, and whether its rows explain its balances (cents)."""

    filename: str
    body_digest: bytes
    covers_from: datetime
    covers_to: datetime
    row_count: int
    opening_balance: int | None
    closing_balance: int | None
    moved: int


def insert_upload(connection: Connection, upload: Upload, uploaded_by: str) -> int | None:
    """Note an uploaded statement; None when the very same file came before."""
    row = connection.execute(
        "INSERT INTO statement_uploads (filename, body_digest, covers_from, covers_to, row_count,"
        " opening_balance, closing_balance, moved, uploaded_by)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id",
        (
            upload.filename,
            upload.body_digest,
            upload.covers_from,
            upload.covers_to,
            upload.row_count,
            upload.opening_balance,
            upload.closing_balance,
            upload.moved,
            uploaded_by,
        ),
    ).fetchone()
    return None if row is None else row["id"]
