"""Load a statement of the M-Pesa organisation portal, whatever its size, in constant memory."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from ledger.core.context import Context
from ledger.core.portal_statement import StatementError, StatementRow, read_rows
from ledger.db import audit, mpesa_records
from ledger.db.engine import Connection, Database
from ledger.db.mpesa_records import MpesaRecord, Upload

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Loaded:
    """What an upload brought. ``new_records`` is what no earlier upload had."""

    upload_id: int | None
    rows: int
    new_records: int
    covers_from: datetime
    covers_to: datetime


class _Survey:
    """Sums a statement up while its rows pass by."""

    def __init__(self) -> None:
        self.rows = 0
        self.moved = 0
        self.first: StatementRow | None = None
        self.last: StatementRow | None = None

    def see(self, row: StatementRow) -> None:
        self.rows += 1
        self.moved += row.amount
        self.first = self.first or row
        self.last = row

    def upload(self, filename: str, digest: bytes) -> Upload:
        if self.first is None or self.last is None:
            raise StatementError("the statement has no completed row")
        # The portal lists the newest first; some exports are the other way round.
        oldest, newest = self.first, self.last
        if oldest.completed_at > newest.completed_at:
            oldest, newest = newest, oldest
        opening = None if oldest.balance is None else oldest.balance - oldest.amount
        return Upload(
            filename=filename,
            body_digest=digest,
            covers_from=oldest.completed_at,
            covers_to=newest.completed_at,
            row_count=self.rows,
            opening_balance=opening,
            closing_balance=newest.balance,
            moved=self.moved,
        )


def load(database: Database, context: Context, file: BinaryIO, filename: str) -> Loaded:
    """Read a CSV twice: once to sum it up, once to copy it in. Raises StatementError.

    The very same file again changes nothing; overlapping ones add only what is new.
    """
    survey = _Survey()
    for row in read_rows(_lines(file)):
        survey.see(row)
    upload = survey.upload(filename[-100:], _digest(file))

    def work(connection: Connection) -> Loaded:
        connection.execute("SET LOCAL statement_timeout = 0")
        upload_id = mpesa_records.insert_upload(connection, upload, context.actor)
        new_records = 0
        if upload_id is not None:
            records = (_record(row) for row in read_rows(_lines(file)))
            new_records = mpesa_records.load(connection, "statement", records, upload_id=upload_id)
            audit.record(
                connection,
                "statement.uploaded",
                "statement_upload",
                upload_id,
                new={"filename": upload.filename, "rows": upload.row_count},
            )
        return Loaded(
            upload_id, upload.row_count, new_records, upload.covers_from, upload.covers_to
        )

    return database.run(context, work)


def _record(row: StatementRow) -> MpesaRecord:
    return MpesaRecord(
        receipt=row.receipt,
        amount=row.amount,
        occurred_at=row.completed_at,
        kind="charge" if row.is_charge else "payment",
        reverses=row.reverses,
        account_reference=row.account_reference,
        party=row.party,
    )


def _lines(file: BinaryIO) -> Iterator[str]:
    file.seek(0)
    for line in file:
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError:
            raise StatementError("the file is not UTF-8 text") from None


def _digest(file: BinaryIO) -> bytes:
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.digest()
