from collections.abc import Iterator

import pytest

from standin.daraja.credentials import generate_private_key
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
def standin_private_key() -> str:
    """Made once: an RSA key takes longer than a test."""
    return generate_private_key()


@pytest.fixture
def standin(product: FakeProduct, standin_private_key: str) -> Iterator[Server]:
    settings = StandinSettings(
        mpesa_consumer_key="key",
        mpesa_consumer_secret="secret",
        mpesa_passkey="passkey",
        mpesa_initiator_name="initiator",
        mpesa_initiator_password="password",
        standin_private_key=standin_private_key,
        public_url=product.url,
        at_username="sandbox",
        at_api_key=AT_KEY,
        at_sender_id="CYCLE",
        at_callback_keys="secret,older",
    )
    server = Server(settings)
    server.world.behaviour.change({"report_seconds": 0.02, "sms_retry_seconds": 0.1})
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def daraja_server(standin_private_key: str) -> Iterator[Server]:
    server = Server(
        StandinSettings(
            mpesa_consumer_key="key",
            mpesa_consumer_secret="secret",
            mpesa_passkey="passkey",
            mpesa_initiator_name="initiator",
            mpesa_initiator_password="password",
            standin_private_key=standin_private_key,
        )
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
def merchant(daraja_server: Server) -> Iterator[Merchant]:
    """A merchant with a token, in a world as at start: only the server is kept."""
    listener = Listener()
    merchant = Merchant(daraja_server.url, listener)
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
