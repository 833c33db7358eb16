"""The first story by hand: two people join on the phone page, one deposits and sends.

Everything is real but the outside world: `cycle up`, PostgreSQL, Redis, web, worker, cron.
``SCREENSHOT_FOLDER=docs/images`` renews the picture of README.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from selenium import webdriver
from selenium.webdriver.common.keys import Keys

from tests.browser import browser, complaints
from tests.e2e.stack import Running, wait_until
from tests.phone_page import PhoneOnPage, open_page

pytestmark = pytest.mark.xdist_group("story")

GRACE, FAITH = "254798100201", "254798100302"
PIN, MPESA_PIN = "2580", "1234"
PICTURES = os.environ.get("SCREENSHOT_FOLDER")


@pytest.fixture(scope="module")
def chrome(up: Running) -> Iterator[webdriver.Chrome]:
    with browser(pixels=1 if PICTURES else 0.5) as chrome:
        open_page(chrome, f"{up.where['standin']}/phone?phone1={GRACE}&phone2={FAITH}")
        yield chrome


def dial(phone: PhoneOnPage) -> None:
    phone.press("red", "green", "green")
    phone.shows(view="ussd")


def type_on_keyboard(phone: PhoneOnPage, words: str) -> None:
    phone.find(".lcd").click()
    webdriver.ActionChains(phone.chrome).send_keys(words + Keys.ENTER).perform()


def join(phone: PhoneOnPage, choices: tuple[str, str], typed: dict[str, str]) -> None:
    """Register: choose a language, accept, then type what each screen asks for."""
    dial(phone)
    for choice in choices:
        phone.choose(choice)
    for asked, answer in typed.items():
        phone.shows(asked)
        if answer.isdigit():
            phone.reply(answer)
        else:
            type_on_keyboard(phone, answer)


def read_message(phone: PhoneOnPage, *words: str) -> str:
    """Wait in the inbox for a message with these words, and open it."""
    phone.press("red", "right")
    phone.shows(*words, view="inbox")
    phone.press("left")
    return phone.shows(*words, view="message")


def mpesa_balance(up: Running, msisdn: str) -> str:
    document = requests.get(f"{up.where['standin']}/handset/{msisdn}", timeout=5).json()
    return str(document["mpesa_balance"])


def keep_picture(chrome: webdriver.Chrome, fallback: Path) -> None:
    folder = Path(PICTURES or fallback)
    folder.mkdir(parents=True, exist_ok=True)
    assert chrome.save_screenshot(str(folder / "phone.png"))


def test_from_dialling_to_a_receipt(up: Running, chrome: webdriver.Chrome, tmp_path: Path) -> None:
    grace, faith = PhoneOnPage(chrome, 1), PhoneOnPage(chrome, 2)
    join(
        grace,
        ("English", "I accept"),
        {"first name": "Grace", "last name": "Mwangi", "Choose a PIN": PIN, "PIN again": PIN},
    )
    grace.shows("Grace")
    join(
        faith,
        ("Kiswahili", "Nakubali"),
        {"la kwanza": "Faith", "la mwisho": "Wanjiku", "Chagua PIN": PIN, "PIN tena": PIN},
    )
    faith.shows("Faith")

    dial(grace)
    grace.choose("Deposit")
    grace.shows("Enter amount")
    grace.reply("500")
    grace.shows("M-PESA request")
    grace.shows("Do you want to pay Ksh. 500", view="prompt")
    assert mpesa_balance(up, GRACE) == "10000.00"
    grace.press(*MPESA_PIN, "left")
    receipt = read_message(grace, "Confirmed", "Ksh500.00")
    assert PIN not in receipt
    wait_until(lambda: mpesa_balance(up, GRACE) == "9500.00")

    dial(grace)
    grace.choose("Balance")
    grace.shows("PIN")
    grace.reply(PIN)
    grace.shows("Ksh500.00")

    dial(grace)
    grace.choose("Send money")
    grace.shows("number")
    grace.reply(f"0{FAITH[3:]}")
    grace.shows("amount")
    type_on_keyboard(grace, "199.50")
    grace.shows("Faith", "Ksh199.50", "PIN")
    grace.reply(PIN)
    grace.shows("Confirmed", "Ksh300.50")
    read_message(faith, "Ksh199.50", "kutoka")

    dial(grace)
    grace.shows("Send money")
    keep_picture(chrome, tmp_path)
    assert complaints(chrome) == []
