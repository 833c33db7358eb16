"""Transactions, postings and their audit rows as a forger might leave them."""

from tests.db.corruption import Corruption

CORRUPTED_TRANSACTIONS = [
    Corruption(
        "one posting raised",
        "UPDATE postings SET amount = amount + 1"
        " WHERE transaction_id = {sent} AND account_id = {jane}",
        "postings",
        "transaction {sent}",
        "postings sum to 1 cents",
    ),
    # Still balanced, so only the audit row and the running balance tell.
    Corruption(
        "both postings raised",
        "UPDATE postings SET amount = amount + 1 WHERE transaction_id = {sent}",
        "postings",
        "transaction {sent}",
        "postings differ from audit row {sent_audit}",
    ),
    Corruption(
        "postings turned round",
        "UPDATE postings SET direction = CASE direction WHEN 'D' THEN 'C' ELSE 'D' END"
        " WHERE transaction_id = {sent}",
        "postings",
        "transaction {sent}",
        "postings differ from audit row {sent_audit}",
    ),
    Corruption(
        "postings deleted",
        "DELETE FROM postings WHERE transaction_id = {sent}",
        "transactions",
        "transaction {sent}",
        "no postings",
    ),
    Corruption(
        "one posting deleted",
        "DELETE FROM postings WHERE transaction_id = {sent} AND account_id = {john}",
        "postings",
        "transaction {sent}",
        "postings sum to 20000 cents",
    ),
    Corruption(
        "one posting left, of nothing",
        "WITH gone AS (DELETE FROM postings WHERE transaction_id = {hold} AND account_id = 2)"
        " UPDATE postings SET amount = 0 WHERE transaction_id = {hold} AND account_id = {jane}",
        "postings",
        "transaction {hold}",
        "a posting is malformed",
    ),
    Corruption(
        "negative amounts",
        "UPDATE postings SET amount = -amount WHERE transaction_id = {sent}",
        "postings",
        "transaction {sent}",
        "a posting is malformed",
    ),
    Corruption(
        "amount out of bounds",
        "UPDATE postings SET amount = 100000000000001 WHERE transaction_id = {sent}",
        "postings",
        "transaction {sent}",
        "a posting is malformed",
    ),
    # A sum takes any other letter for a credit.
    Corruption(
        "unknown direction",
        "UPDATE postings SET direction = 'X' WHERE transaction_id = {hold} AND account_id = 2",
        "postings",
        "transaction {hold}",
        "a posting is malformed",
    ),
    Corruption(
        "balance on a system account's posting",
        "UPDATE postings SET balance_after = 5 WHERE transaction_id = {hold} AND account_id = 2",
        "postings",
        "transaction {hold}",
        "a posting is malformed",
    ),
    Corruption(
        "version on a system account's posting",
        "UPDATE postings SET account_version = 5 WHERE transaction_id = {hold} AND account_id = 2",
        "postings",
        "transaction {hold}",
        "a posting is malformed",
    ),
    Corruption(
        "no balance on a wallet's posting: shape",
        "UPDATE postings SET balance_after = NULL"
        " WHERE transaction_id = {sent} AND account_id = {john}",
        "postings",
        "transaction {sent}",
        "a posting is malformed",
    ),
    Corruption(
        "no version on a wallet's posting: shape",
        "UPDATE postings SET account_version = NULL"
        " WHERE transaction_id = {sent} AND account_id = {john}",
        "postings",
        "transaction {sent}",
        "a posting is malformed",
    ),
    Corruption(
        "receipt changed",
        "UPDATE transactions SET receipt = 'AAAAAAAAAA' WHERE id = {sent}",
        "transactions",
        "transaction {sent}",
        "receipt, kind, actor or channel differs from audit row {sent_audit}",
    ),
    Corruption(
        "kind changed",
        "UPDATE transactions SET kind = 'deposit' WHERE id = {sent}",
        "transactions",
        "transaction {sent}",
        "receipt, kind, actor or channel differs from audit row {sent_audit}",
    ),
    Corruption(
        "actor changed",
        "UPDATE transactions SET actor = 'user:1' WHERE id = {sent}",
        "transactions",
        "transaction {sent}",
        "receipt, kind, actor or channel differs from audit row {sent_audit}",
    ),
    Corruption(
        "channel changed",
        "UPDATE transactions SET channel = 'web' WHERE id = {sent}",
        "transactions",
        "transaction {sent}",
        "receipt, kind, actor or channel differs from audit row {sent_audit}",
    ),
    Corruption(
        "reference emptied",
        "UPDATE transactions SET reference = '' WHERE id = {sent}",
        "transactions",
        "transaction {sent}",
        "receipt or reference is out of bounds",
    ),
    Corruption(
        "transaction deleted",
        "DELETE FROM transactions WHERE id = {sent}",
        "postings",
        "transaction {sent}",
        "postings of a transaction that does not exist",
    ),
    Corruption(
        "transaction and postings deleted",
        "WITH gone AS (DELETE FROM transactions WHERE id = {sent})"
        " DELETE FROM postings WHERE transaction_id = {sent}",
        "audit_log",
        "audit row {sent_audit}",
        "transaction {sent} does not exist",
    ),
    Corruption(
        "audit row of a transaction deleted",
        "DELETE FROM audit_log WHERE id = {sent_audit}",
        "postings",
        "transaction {sent}",
        "no audit row",
    ),
    Corruption(
        "audit row of a transaction emptied",
        "UPDATE audit_log SET new_values = '{{}}' WHERE id = {sent_audit}",
        "postings",
        "transaction {sent}",
        "postings differ from audit row {sent_audit}",
    ),
    Corruption(
        "reverses what does not exist",
        "UPDATE transactions SET reverses_id = 987654 WHERE id = {sent}",
        "transactions",
        "transaction {sent}",
        "reverses transaction 987654, which does not exist",
    ),
    Corruption(
        "reverses a reversal",
        "UPDATE transactions SET reverses_id = CASE id WHEN {sent} THEN {hold} ELSE {first} END"
        " WHERE id IN ({sent}, {hold})",
        "transactions",
        "transaction {sent}",
        "reverses a reversal",
    ),
    Corruption(
        "money after the last transaction",
        "WITH forged AS (INSERT INTO postings"
        " (account_id, posted_at, transaction_id, amount, direction)"
        " VALUES (1, now(), 1000000000, 100, 'D'))"
        " INSERT INTO balance_deltas VALUES (1000000000, 1, 100)",
        "postings",
        "transaction 1000000000",
        "postings of a transaction that does not exist",
    ),
    Corruption(
        "money before the first transaction",
        "WITH forged AS (INSERT INTO postings"
        " (account_id, posted_at, transaction_id, amount, direction)"
        " VALUES (1, now(), -1, 100, 'D'))"
        " INSERT INTO balance_deltas VALUES (-1, 1, 100)",
        "postings",
        "transaction -1",
        "postings of a transaction that does not exist",
    ),
    # Stepping through the ids up to it would never end.
    Corruption(
        "transaction with the last id there is",
        "INSERT INTO transactions (id, receipt, kind, source, reference, request_digest, actor,"
        " channel) OVERRIDING SYSTEM VALUE VALUES"
        " (9223372036854775807, 'ZZZZZZZZZZ', 'x', 'x', 'x', '', 'x', 'x')",
        "transactions",
        "transaction 9223372036854775807",
        "no postings",
    ),
]
