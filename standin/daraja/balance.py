"""Account balance: ``/mpesa/accountbalance/v1/query`` (Daraja 1.10)."""

from collections.abc import Callable

from flask import Flask

from standin.books import PROCESSED, Outcome
from standin.daraja import identifiers
from standin.daraja.results import (
    Parameters,
    Request,
    Verdict,
    accept,
    read_remarks,
    read_urls,
    refuse_initiator,
)
from standin.daraja.service import Call, Daraja, route
from standin.daraja.wire import Reply, b2c_like
from standin.money import to_shillings
from standin.scenarios import NOT_PERMITTED

API = b2c_like("balance.sync")


def register(app: Flask, daraja: Daraja) -> None:
    """Serve the API."""
    route(app, daraja, "/mpesa/accountbalance/v1/query", API, ask)


def ask(call: Call) -> Reply:
    """Report what the organisation's accounts hold, later."""
    refused = refuse_initiator(call, "Initiator")
    if call.text("CommandID") != "AccountBalance":
        raise call.api.invalid("CommandID")
    shortcode = call.text("PartyA")
    if call.text("IdentifierType") != "4":
        raise call.api.invalid("IdentifierType")
    read_remarks(call, "Occasion")
    result_url, timeout_url = read_urls(call)
    daraja = call.daraja
    request = Request(
        kind="balance",
        conversation_id=identifiers.conversation(daraja.world.clock.now()),
        originator_id=identifiers.gateway_request(),
        result_url=result_url,
        timeout_url=timeout_url,
        fields=call.fields,
        msisdn="",
        amount=0,
        decide=lambda fault: _decide(daraja, shortcode, refused),
    )
    return accept(call, request)


def _decide(daraja: Daraja, shortcode: str, refused: Callable[[], Outcome | None]) -> Verdict:
    settings = daraja.world.settings
    dummy = identifiers.dummy_transaction(daraja.world.clock.now())
    outcome = refused()
    if outcome is None and shortcode not in (
        settings.mpesa_shortcode,
        settings.mpesa_b2c_shortcode,
    ):
        outcome = NOT_PERMITTED
    moment = daraja.world.clock.compact()
    completed: Parameters = [("BOCompletedTime", int(moment))]
    if outcome is not None:
        return Verdict(outcome, dummy, lambda shape: completed)
    accounts: Parameters = [("AccountBalance", accounts_text(daraja)), *completed]
    return Verdict(PROCESSED, dummy, lambda shape: accounts)


def accounts_text(daraja: Daraja) -> str:
    """Return all accounts in one text: ``&`` between accounts, ``|`` between fields."""
    books = daraja.world.books
    with books.locked():
        balances = [
            ("Working Account", books.working),
            ("Float Account", 0),
            ("Utility Account", books.utility),
            ("Charges Paid Account", books.charges_paid),
            ("Organization Settlement Account", books.settlement),
        ]
    return "&".join(
        f"{name}|KES|{to_shillings(cents)}|{to_shillings(cents)}|0.00|0.00"
        for name, cents in balances
    )
