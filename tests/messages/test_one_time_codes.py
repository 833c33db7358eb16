"""The whole way of a code: asked for over the API, read on the phone, typed back."""

import re

from flask.testing import FlaskClient

from tests.messages.conftest import Texting
from tests.msisdns import new_msisdn


def test_the_code_on_the_phone_opens_a_wallet(texting: Texting, web: FlaskClient) -> None:
    phone = new_msisdn()
    asked = web.post("/api/auth/otp", json={"phone": phone, "language": "sw"})
    assert asked.status_code == 202, asked.text
    texting.send()
    (text,) = texting.inbox(phone)
    code = re.search(r"\b[0-9]{6}\b", text)
    assert code is not None, text
    assert "nambari yako ya Cycle" in text
    body = {
        "phone": phone,
        "otp": code[0],
        "pin": "8317",
        "firstName": "Achieng",
        "lastName": "Odhiambo",
        "language": "sw",
    }
    assert web.post("/api/auth/register", json=body).status_code == 201
    texting.send()
    assert any("Achieng" in text for text in texting.inbox(phone))
