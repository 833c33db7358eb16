"""A finance officer's morning in Chromium: sign in, find a customer, resolve a mismatch, download.

``CYCLE_SCREENSHOTS`` names a folder that gets a picture of each page.
"""

import os
import random
import re
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import Select, WebDriverWait
from werkzeug.serving import make_server

from ledger.commands import reconcile, staff
from ledger.core.access import Role
from ledger.db.engine import Database
from ledger.db.mpesa_records import MpesaRecord
from tests.web.api_people import join
from tests.web.api_staff import PASSWORD
from ussd_app.settings import Settings

WAIT_SECONDS = 20
SCREENSHOTS = os.environ.get("CYCLE_SCREENSHOTS")

pytestmark = pytest.mark.skipif(
    shutil.which("chromium") is None or shutil.which("chromedriver") is None,
    reason="needs chromium and chromedriver",
)


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
def browser(tmp_path: Path) -> Iterator[WebDriver]:
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,900"):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium") or ""
    options.add_experimental_option(
        "prefs",
        {"download.default_directory": str(tmp_path), "download.prompt_for_download": False},
    )
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


class Officer:
    """Somebody who clicks and reads."""

    def __init__(self, browser: WebDriver, address: str) -> None:
        self.browser, self.address = browser, address

    def open(self, path: str) -> None:
        self.browser.get(f"{self.address}/admin{path}")

    def type(self, name: str, text: str, within: str = "main") -> None:
        self.browser.find_element(By.CSS_SELECTOR, f"{within} [name={name}]").send_keys(text)

    def press(self, words: str, within: str = "main") -> None:
        button = f"//{within}//button[normalize-space()='{words}']"
        self.browser.find_element(By.XPATH, button).click()

    def reads(self, words: str) -> None:
        # A page that is just being left has elements that are gone when they are read.
        WebDriverWait(
            self.browser, WAIT_SECONDS, ignored_exceptions=(StaleElementReferenceException,)
        ).until(
            lambda driver: words in driver.find_element(By.TAG_NAME, "body").text,
            f"never read {words!r}",
        )

    def picture(self, name: str, width: int = 1280) -> None:
        if SCREENSHOTS:
            self.browser.set_window_size(width, 900)
            height = self.browser.execute_script("return document.documentElement.scrollHeight")
            self.browser.set_window_size(width, max(700, min(height + 150, 4000)))
            self.browser.save_screenshot(f"{SCREENSHOTS}/{name}.png")
            self.browser.set_window_size(1280, 900)


def _enrol(officer: Officer, email: str) -> None:
    officer.open("/")
    officer.type("email", email)
    officer.type("password", PASSWORD)
    officer.picture("sign-in")
    officer.press("Sign in")
    officer.reads("Enrol your second factor")
    officer.picture("enrol")
    secret = officer.browser.find_element(By.CSS_SELECTOR, ".secret code").text.replace(" ", "")
    officer.type("code", pyotp.TOTP(secret).now())
    officer.press("Enrol and sign in")
    officer.reads("Moved since midnight")
    officer.picture("today")
    officer.picture("today-phone", 390)


def test_sign_in_find_a_customer_resolve_a_mismatch_download_the_statement(
    client: FlaskClient,
    database: Database,
    settings: Settings,
    browser: WebDriver,
    address: str,
    tmp_path: Path,
) -> None:
    customer = join(client, database, settings, balance=125_000)
    other = join(client, database, settings, first="Otieno")
    customer.send(other.msisdn, "250")
    receipt = f"TP{random.randrange(10**8):08d}"
    moment = datetime.now(UTC) - timedelta(minutes=30)
    reconcile.add_records(database, "statement", [MpesaRecord(receipt, 70_000, moment)])
    email = f"officer{time.monotonic_ns()}@cycle.example"
    staff.create(database, email, PASSWORD, list(Role))

    officer = Officer(browser, address)
    _enrol(officer, email)
    officer.open("/customers")
    officer.type("q", "0" + customer.msisdn.removeprefix("+254"))
    officer.press("Find")
    officer.reads("Wanjiku Kamau")
    officer.reads("1,000.00")
    officer.picture("customer")
    officer.picture("customer-phone", 390)

    officer.open("/reconciliation")
    officer.press("Run")
    officer.reads("A worker is at it")
    for run_id in reconcile.waiting(database):
        reconcile.perform(database, run_id)
    officer.open("/reconciliation")
    officer.reads(receipt)
    officer.picture("reconciliation")
    officer.picture("reconciliation-phone", 390)
    row = f"tr[td[normalize-space()='{receipt}']]"
    browser.find_element(By.XPATH, f"//{row}//summary[normalize-space()='Credit']").click()
    form = f"//{row}//form[contains(@action, '/credit')]"
    browser.find_element(By.XPATH, f"{form}//input[@name='why']").send_keys("portal shows it")
    browser.find_element(By.XPATH, f"{form}//button").click()
    officer.reads("Closed.")
    officer.open("/suspense")
    officer.reads(receipt)
    officer.picture("suspense")
    for page in ("payments", "rules", "audit"):
        officer.open(f"/{page}")
        officer.picture(page)

    officer.open("/statements")
    officer.type("phone", customer.msisdn)
    Select(browser.find_element(By.NAME, "format")).select_by_value("csv")
    officer.type("why", "asked by phone")
    officer.picture("statements")
    officer.press("Make the statement")
    file = WebDriverWait(browser, WAIT_SECONDS).until(
        lambda _: next(iter(tmp_path.glob("*.csv")), None)
    )
    assert re.search(r"\b1000\.00\b", file.read_text("utf-8"))
    assert not [
        entry
        for entry in browser.get_log("browser")
        if entry["level"] == "SEVERE" and "favicon.ico" not in entry["message"]
    ]
