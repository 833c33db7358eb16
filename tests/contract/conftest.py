from collections.abc import Iterator

import pytest
import requests

from standin.server import Server
from standin.settings import StandinSettings
from tests.contract.daraja_side import Listener, Merchant
from tests.contract.fake_product import FakeProduct

AT_KEY = "at-key-of-the-tests"


@pytest.fixture
def product() -> Iterator[FakeProduct]:
    product = FakeProduct()
    yield product
    product.stop()


@pytest.fixture(scope="session")
def standin_server() -> Iterator[Server]:
    """Started once: its RSA key and its routes take longer than a test."""
    server = Server(
        StandinSettings(
            mpesa_consumer_key="key",
            mpesa_consumer_secret="secret",
            mpesa_passkey="passkey",
            mpesa_initiator_name="initiator",
            mpesa_initiator_password="password",
            at_username="sandbox",
            at_api_key=AT_KEY,
            at_sender_id="CYCLE",
        )
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
def standin(standin_server: Server, product: FakeProduct) -> Server:
    """A world as at start, with a fake product of this test's own."""
    requests.post(f"{standin_server.url}/reset", timeout=15).raise_for_status()
    standin_server.gateway.product.change(url=product.url, key="secret")
    standin_server.world.behaviour.change({"report_seconds": 0.02, "sms_retry_seconds": 0.1})
    return standin_server


@pytest.fixture
def merchant(standin_server: Server) -> Iterator[Merchant]:
    """A merchant with a token, in a world as at start: only the server is kept."""
    listener = Listener()
    merchant = Merchant(standin_server.url, listener)
    merchant.control("POST", "/reset")
    merchant.control("PUT", "/behaviour", {"callback_seconds": 0.02, "result_seconds": 0.02})
    merchant.authorise()
    yield merchant
    merchant.http.close()
    listener.stop()


@pytest.fixture
def shop(standin: Server) -> Iterator[Merchant]:
    """A merchant that prompts the phones of ``standin``."""
    listener = Listener()
    merchant = Merchant(standin.url, listener)
    merchant.control("PUT", "/behaviour", {"callback_seconds": 0.02})
    merchant.authorise()
    yield merchant
    merchant.http.close()
    listener.stop()
