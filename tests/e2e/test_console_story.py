"""A finance officer's morning in Chromium: sign in, find a customer, resolve a mismatch, download.

``CYCLE_SCREENSHOTS`` names a folder that gets a picture of each page.
"""

import os
import random
import re
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait
from werkzeug.serving import make_server

from ledger.commands import reconcile, staff, tickets, ussd_sessions
from ledger.core.access import Role
from ledger.core.contact import SessionOutcome, UssdSession
from ledger.core.context import Context
from ledger.db.engine import Database
from ledger.db.mpesa_records import MpesaRecord
from ledger.db.tickets import Ticket
from tests.browser import browser
from tests.quick_hashing import PASSWORD
from tests.web.api_people import ApiCustomer, join
from ussd_app.settings import Settings

WAIT_SECONDS = 60
PHONE_WIDTH = 360
SCREENSHOTS = os.environ.get("CYCLE_SCREENSHOTS")

# Chromium may take a minute to start on a busy machine.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The web app on a port of its own."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def chrome(tmp_path: Path) -> Iterator[Chrome]:
    with browser(downloads=tmp_path) as opened:
        yield opened


class Officer:
    """Somebody who clicks and reads."""

    def __init__(self, browser: Chrome, address: str) -> None:
        self.browser, self.address = browser, address

    def open(self, path: str) -> None:
        self.browser.get(f"{self.address}/admin{path}")

    def type(self, name: str, text: str, within: str = "main") -> None:
        self.browser.find_element(By.CSS_SELECTOR, f"{within} [name={name}]").send_keys(text)

    def press(self, words: str, within: str = "main") -> None:
        button = f"//{within}//button[normalize-space()='{words}']"
        self.browser.find_element(By.XPATH, button).click()

    def reads(self, words: str) -> None:
        # A page that is just being replaced has no body for a moment, or a stale one.
        WebDriverWait(
            self.browser, WAIT_SECONDS, ignored_exceptions=[StaleElementReferenceException]
        ).until(
            lambda driver: words in driver.find_element(By.TAG_NAME, "body").text,
            f"never read {words!r}",
        )

    def looks_well(self, name: str) -> None:
        """The page fits a small phone without scrolling sideways; pictures of both sizes."""
        if SCREENSHOTS:
            self._picture(name, 1280)
        width = self._picture(f"{name}-phone", PHONE_WIDTH)
        assert width <= PHONE_WIDTH, f"{name} is {width} px wide on a phone"

    def _picture(self, name: str, width: int) -> int:
        metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        wide, high = self.browser.execute_script(
            "const page = document.documentElement; return [page.scrollWidth, page.scrollHeight]"
        )
        if SCREENSHOTS:
            shot = self.browser.execute_cdp_cmd(
                "Page.captureScreenshot",
                {
                    "captureBeyondViewport": True,
                    "clip": {"x": 0, "y": 0, "width": wide, "height": min(high, 4000), "scale": 1},
                },
            )
            (Path(SCREENSHOTS) / f"{name}.png").write_bytes(b64decode(shot["data"]))
        self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        return int(wide)


def _enrol(officer: Officer, email: str) -> None:
    officer.open("/")
    officer.type("email", email)
    officer.type("password", PASSWORD)
    officer.looks_well("sign-in")
    officer.press("Sign in")
    officer.reads("Enrol your second factor")
    officer.looks_well("enrol")
    secret = officer.browser.find_element(By.CSS_SELECTOR, ".secret code").text.replace(" ", "")
    officer.type("code", pyotp.TOTP(secret).now())
    officer.press("Enrol and sign in")
    officer.reads("Moved since midnight")
    officer.looks_well("today")


def _past(database: Database, customer: ApiCustomer) -> Ticket:
    """A session that broke off and a complaint."""
    session = UssdSession(
        digest=f"story:{time.monotonic_ns()}",
        msisdn=customer.msisdn,
        began_at=datetime.now(UTC) - timedelta(minutes=3),
        seconds=41,
        network="safaricom",
        outcome=SessionOutcome.HUNG_UP,
        screens=("main", "send_to", "send_amount", "send_pin"),
    )
    assert ussd_sessions.keep(database, session)
    ticket = tickets.open_ticket(
        database,
        Context.of_user(customer.user_id, "ussd"),
        customer.user_id,
        "Money did not arrive",
        receipt=None,
        source="ussd",
        reference=session.digest,
    )
    assert isinstance(ticket, Ticket)
    return ticket


def test_sign_in_find_a_customer_resolve_a_mismatch_download_the_statement(
    client: FlaskClient,
    database: Database,
    settings: Settings,
    chrome: Chrome,
    address: str,
    tmp_path: Path,
) -> None:
    customer = join(client, database, settings, balance=125_000)
    other = join(client, database, settings, first="Otieno")
    customer.send(other.msisdn, "250")
    complaint = _past(database, customer)
    receipt = f"TP{random.randrange(10**8):08d}"
    moment = datetime.now(UTC) - timedelta(minutes=30)
    reconcile.add_records(database, "statement", [MpesaRecord(receipt, 70_000, moment)])
    email = f"officer{time.monotonic_ns()}@cycle.example"
    staff.create(database, email, PASSWORD, list(Role))

    officer = Officer(chrome, address)
    _enrol(officer, email)
    officer.open("/customers")
    officer.type("q", "0" + customer.msisdn.removeprefix("+254"))
    officer.press("Find")
    officer.reads("Wanjiku Kamau")
    officer.reads("1,000.00")
    officer.reads("safaricom, 41 s: main > send_to > send_amount > send_pin")
    officer.looks_well("customer")

    officer.open("/complaints")
    officer.reads(complaint.number)
    officer.looks_well("complaints")
    officer.open(f"/complaints/{complaint.number}")
    form = "//form[contains(@action, '/answer')]"
    chrome.find_element(By.XPATH, "//summary[normalize-space()='Answer by SMS']").click()
    chrome.find_element(By.XPATH, f"{form}//textarea").send_keys("It arrived at 10:05.")
    chrome.find_element(By.XPATH, f"{form}//input[@name='why']").send_keys("seen in M-Pesa")
    officer.looks_well("complaint")
    chrome.find_element(By.XPATH, f"{form}//button").click()
    officer.reads("Sent.")

    officer.open("/reconciliation")
    officer.press("Run")
    officer.reads("A worker is at it")
    for run_id in reconcile.waiting(database):
        reconcile.perform(database, run_id)
    officer.open("/reconciliation")
    officer.reads(receipt)
    officer.looks_well("reconciliation")
    row = f"tr[td[normalize-space()='{receipt}']]"
    chrome.find_element(By.XPATH, f"//{row}//summary[normalize-space()='Credit']").click()
    form = f"//{row}//form[contains(@action, '/credit')]"
    chrome.find_element(By.XPATH, f"{form}//input[@name='why']").send_keys("portal shows it")
    chrome.find_element(By.XPATH, f"{form}//button").click()
    officer.reads("Closed.")
    officer.open("/suspense")
    officer.reads(receipt)
    officer.looks_well("suspense")
    for page in ("payments", "rules", "audit"):
        officer.open(f"/{page}")
        officer.looks_well(page)

    officer.open("/statements")
    officer.type("phone", customer.msisdn)
    Select(chrome.find_element(By.NAME, "format")).select_by_value("csv")
    officer.type("why", "asked by phone")
    officer.looks_well("statements")
    officer.press("Make the statement")
    file = WebDriverWait(chrome, WAIT_SECONDS).until(
        lambda _: next(iter(tmp_path.glob("*.csv")), None)
    )
    assert re.search(r"\b1000\.00\b", file.read_text("utf-8"))
    assert not [
        entry
        for entry in chrome.get_log("browser")
        if entry["level"] == "SEVERE" and "favicon.ico" not in entry["message"]
    ]
