"""Bodies from outside Safaricom's networks: kept, believed by nobody, a reason to ask."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from tests.mpesa_world import MpesaWorld
from tests.payments.situations import COMPLETED, PAID, PENDING, paid_out, prompted, suspense

SAFARICOM = "196.201.212.0/24"


@pytest.fixture
def guarded(world: MpesaWorld) -> MpesaWorld:
    """A world whose callbacks, from the loopback address, are foreign."""
    _believe(world, SAFARICOM)
    return world


def _believe(world: MpesaWorld, networks: str) -> None:
    chosen = {"mpesa_callback_networks": (ip_network(networks),)}
    world.services = replace(
        world.services, settings=world.services.settings.model_copy(update=chosen)
    )


def test_a_foreign_success_is_credited_only_when_the_query_says_so(guarded: MpesaWorld) -> None:
    user, payment = prompted(guarded)
    assert guarded.call_back(payment).status_code == 200
    guarded.process()
    assert (guarded.reload(payment).state, guarded.balance(user)) == (PENDING, 0)
    assert guarded.verdicts(payment.token) == [("quarantined", "foreign_address")]
    guarded.sync["stkpushquery"] = PAID
    guarded.query()
    assert (guarded.reload(payment).settled_by, guarded.balance(user)) == ("query", 100_00)


@pytest.mark.parametrize("code", [0, 1, 2001])
def test_a_foreign_result_neither_pays_nor_frees_a_hold(guarded: MpesaWorld, code: int) -> None:
    _believe(guarded, "127.0.0.0/8")
    user, payment = paid_out(guarded)
    _believe(guarded, SAFARICOM)
    guarded.result(payment, code)
    guarded.process()
    assert (guarded.reload(payment).state, guarded.balance(user)) == (PENDING, 600_00)
    assert guarded.reload(payment).review_reason == "foreign_address"
    _believe(guarded, "127.0.0.0/8")
    guarded.result(payment)
    guarded.process()
    assert (guarded.reload(payment).state, guarded.balance(user)) == (COMPLETED, 600_00)


def test_a_foreign_paybill_confirmation_moves_nothing(guarded: MpesaWorld) -> None:
    user = guarded.customer()
    before = suspense(guarded)
    guarded.paybill(BillRefNumber=user.msisdn, TransID="TK00000FRN")
    guarded.process()
    assert guarded.paybill_payments("TK00000FRN") == []
    assert (guarded.balance(user), suspense(guarded)) == (0, before)
