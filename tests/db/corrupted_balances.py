"""Balances, holds and seals as a forger might leave them."""

from tests.db.corruption import Corruption

_WALLETS = [
    Corruption(
        "balance raised",
        "UPDATE accounts SET balance = balance + 1 WHERE id = {jane}",
        "accounts",
        "account {jane}",
        "balance is ",
    ),
    Corruption(
        "version raised",
        "UPDATE accounts SET version = version + 1 WHERE id = {john}",
        "accounts",
        "account {john}",
        "version is ",
    ),
    Corruption(
        "floor above the balance",
        "UPDATE accounts SET floor_cents = balance + 1 WHERE id = {john}",
        "accounts",
        "account {john}",
        "balance ",
    ),
    Corruption(
        "wallet of nobody",
        "UPDATE accounts SET user_id = 999999 WHERE id = {john}",
        "accounts",
        "account {john}",
        "wallet of a user who does not exist",
    ),
    Corruption(
        "closed with money",
        "UPDATE accounts SET status = 'closed' WHERE id = {john}",
        "accounts",
        "account {john}",
        "does not fit its code USER_WALLET or its status closed",
    ),
    Corruption(
        "status that there is not",
        "UPDATE accounts SET status = 'x' WHERE id = {john}",
        "accounts",
        "account {john}",
        "does not fit its code USER_WALLET or its status x",
    ),
    Corruption(
        "wallet of a group and a user",
        "UPDATE accounts SET code = 'CHAMA_WALLET' WHERE id = {john}",
        "accounts",
        "account {john}",
        "does not fit its code CHAMA_WALLET or its status active",
    ),
    Corruption(
        "wallet under a system account's code",
        "UPDATE accounts SET code = 'SUSPENSE', user_id = NULL WHERE id = {john}",
        "accounts",
        "account {john}",
        "does not fit its code SUSPENSE or its status active",
    ),
    Corruption(
        "balance of a posting raised",
        "UPDATE postings SET balance_after = balance_after + 1"
        " WHERE transaction_id = {sent} AND account_id = {john}",
        "postings",
        "account {john}, transaction {sent}",
        "balance_after is 20001, recomputed 20000",
    ),
    Corruption(
        "version of a posting raised",
        "UPDATE postings SET account_version = account_version + 1"
        " WHERE transaction_id = {sent} AND account_id = {john}",
        "postings",
        "account {john}, transaction {sent}",
        "account_version is 2, expected 1",
    ),
    Corruption(
        "no balance on a wallet's posting",
        "UPDATE postings SET balance_after = NULL"
        " WHERE transaction_id = {sent} AND account_id = {john}",
        "postings",
        "account {john}, transaction {sent}",
        "balance_after is missing, recomputed 20000",
    ),
    Corruption(
        "no version on the last of a wallet's postings",
        "UPDATE postings SET account_version = NULL"
        " WHERE transaction_id = {hold} AND account_id = {jane}",
        "postings",
        "account {jane}, transaction {hold}",
        "account_version is missing, expected 3",
    ),
    Corruption(
        "wallet deleted: its postings",
        "DELETE FROM accounts WHERE id = {john}",
        "postings",
        "account {john}, transaction {last_of_john}",
        "posting on an account that does not exist",
    ),
    Corruption(
        "wallet deleted: its user",
        "DELETE FROM accounts WHERE id = {john}",
        "users",
        "user {john_user}",
        "no wallet",
    ),
]

_SYSTEM_ACCOUNTS = [
    Corruption(
        "checkpoint raised",
        "UPDATE balance_checkpoints SET debits_less_credits = debits_less_credits + 1"
        " WHERE account_id = 1",
        "balance_checkpoints",
        "account 1 (CASH)",
        "checkpoint and deltas give ",
    ),
    Corruption(
        "checkpoint deleted",
        "DELETE FROM balance_checkpoints WHERE account_id = 3",
        "balance_checkpoints",
        "account 3 (SUSPENSE)",
        "no checkpoint",
    ),
    Corruption(
        "deltas deleted",
        "DELETE FROM balance_deltas",
        "balance_checkpoints",
        "account 1 (CASH)",
        "checkpoint and deltas give ",
    ),
    # They sum to nothing, and no row of accounts or checkpoints leads to them.
    Corruption(
        "postings on an account that nobody opened",
        "INSERT INTO postings (account_id, posted_at, transaction_id, amount, direction)"
        " VALUES (7, now(), {sent}, 100, 'D'), (7, now() + interval '1 s', {sent}, 100, 'C')",
        "accounts",
        "account 7",
        "not a system account of the chart",
    ),
    Corruption(
        "posting on an account below zero",
        "UPDATE postings SET account_id = -5 WHERE transaction_id = {hold} AND account_id = 2",
        "accounts",
        "account -5",
        "not a system account of the chart",
    ),
    Corruption(
        "delta of an account that nobody opened",
        "INSERT INTO balance_deltas VALUES ({sent}, 7, 100)",
        "accounts",
        "account 7",
        "not a system account of the chart",
    ),
    Corruption(
        "account opened beside the chart",
        "INSERT INTO accounts (id, code, number, name, normal_side)"
        " VALUES (7, 'CASH', 'X', 'X', 'D')",
        "accounts",
        "account 7",
        "not a system account of the chart",
    ),
    Corruption(
        "checkpoint of a wallet",
        "INSERT INTO balance_checkpoints VALUES ({john}, 0)",
        "accounts",
        "account {john}",
        "not a system account of the chart",
    ),
    Corruption(
        "system account deleted",
        "WITH gone AS (DELETE FROM balance_checkpoints WHERE account_id = 6)"
        " DELETE FROM accounts WHERE id = 6",
        "accounts",
        "account 6 (EQUITY)",
        "the account does not exist",
    ),
    Corruption(
        "system account under another code",
        "UPDATE accounts SET code = 'SUSPENSE' WHERE id = 4",
        "accounts",
        "account 4 (REVENUE_FEES)",
        "code is SUSPENSE",
    ),
    Corruption(
        "system account frozen",
        "UPDATE accounts SET status = 'frozen' WHERE id = 4",
        "accounts",
        "account 4 (REVENUE_FEES)",
        "status is frozen",
    ),
    Corruption(
        "balance in a system account's row",
        "UPDATE accounts SET balance = 500 WHERE id = 1",
        "accounts",
        "account 1 (CASH)",
        "balance 500 and version 0 instead of 0",
    ),
    Corruption(
        "version in a system account's row",
        "UPDATE accounts SET version = 5 WHERE id = 2",
        "accounts",
        "account 2 (PENDING_WITHDRAWALS)",
        "balance 0 and version 5 instead of 0",
    ),
]

_HOLDS = [
    Corruption(
        "payment failed beside the ledger",
        "UPDATE payments SET state = 'failed' WHERE id = {held}",
        "payments",
        "payment {held}",
        "state failed but ",
    ),
    Corruption(
        "payment raised",
        "UPDATE payments SET amount = amount + 1 WHERE id = {held}",
        "payments",
        "payment {held}",
        "state created but ",
    ),
    Corruption(
        "hold taken from its payment",
        "UPDATE transactions SET payment_id = NULL WHERE id = {hold}",
        "payments",
        "payment {held}",
        "state created but 0 cents held",
    ),
    Corruption(
        "hold without payment",
        "UPDATE postings SET account_id = 2 WHERE transaction_id = {sent} AND account_id = {john}",
        "payments",
        "without payment",
        "20000 cents held for a payment that does not exist",
    ),
    Corruption(
        "hold of an unknown payment",
        "WITH given AS (UPDATE transactions SET payment_id = 999999 WHERE id = {sent})"
        " UPDATE postings SET account_id = 2 WHERE transaction_id = {sent} AND account_id = {john}",
        "payments",
        "payment 999999",
        "20000 cents held for a payment that does not exist",
    ),
]

_AUDIT = [
    Corruption(
        "actor of an audit row",
        "UPDATE audit_log SET actor = 'user:1' WHERE id = 1",
        "audit_seals",
        "seal 1",
        "an audit row that it covers was changed",
    ),
    Corruption(
        "time of an audit row",
        "UPDATE audit_log SET at = at + interval '1 us' WHERE id = 1",
        "audit_seals",
        "seal 1",
        "an audit row that it covers was changed",
    ),
    Corruption(
        "sealed audit row deleted",
        "DELETE FROM audit_log WHERE id = 2",
        "audit_seals",
        "seal 1",
        "covers ",
    ),
    Corruption(
        "audit row slipped in",
        "INSERT INTO audit_log (id, actor, channel, action, subject_type)"
        " OVERRIDING SYSTEM VALUE VALUES (999999, 'user:1', 'ussd', 'nothing', 'user')",
        "audit_log",
        "audit row 999999",
        "neither sealed nor waiting for the sealer",
    ),
    Corruption(
        "sealer's queue emptied",
        "DELETE FROM audit_unsealed",
        "audit_log",
        "audit row {unsealed}",
        "neither sealed nor waiting for the sealer",
    ),
    Corruption(
        "audit row that waits deleted",
        "DELETE FROM audit_log WHERE id = {unsealed}",
        "audit_unsealed",
        "audit row {unsealed}",
        "waits for the sealer but does not exist",
    ),
    Corruption(
        "batch hash of a seal",
        "UPDATE audit_seals SET batch_hash = sha256('x') WHERE id = 1",
        "audit_seals",
        "seal 1",
        "an audit row that it covers was changed",
    ),
    Corruption(
        "hash of a seal",
        "UPDATE audit_seals SET seal_hash = sha256('x') WHERE id = 1",
        "audit_seals",
        "seal 1",
        "its own hash does not recompute",
    ),
    Corruption(
        "row count of a seal",
        "UPDATE audit_seals SET row_count = row_count + 1 WHERE id = 2",
        "audit_seals",
        "seal 2",
        "covers ",
    ),
    Corruption(
        "seal cut from the one before",
        "UPDATE audit_seals SET previous_hash = '' WHERE id = 2",
        "audit_seals",
        "seal 2",
        "does not continue the seal before",
    ),
    Corruption(
        "first seal deleted",
        "DELETE FROM audit_seals WHERE id = 1",
        "audit_seals",
        "seal 2",
        "seal 1 is missing",
    ),
    Corruption(
        "seal with the last id there is",
        "INSERT INTO audit_seals (id, audit_ids, row_count, batch_hash, previous_hash, seal_hash)"
        " VALUES (9223372036854775807, '{{}}', 9223372036854775807, '', '', '')",
        "audit_seals",
        "seal 9223372036854775807",
        "seal ",
    ),
]

CORRUPTED_BALANCES = [*_WALLETS, *_SYSTEM_ACCOUNTS, *_HOLDS, *_AUDIT]
