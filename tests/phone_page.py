"""Hands for the page at ``/phone``: press keys, type, read the small screen."""

import re
import time

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import presence_of_element_located
from selenium.webdriver.support.ui import WebDriverWait

WAIT_SECONDS = 20.0


def open_page(chrome: webdriver.Chrome, address: str) -> None:
    """Open the page as on a first visit and wait until both handsets are there."""
    origin = address.partition("/phone")[0]
    chrome.execute_cdp_cmd(
        "Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "local_storage"}
    )
    chrome.get(address)
    ready = (By.CSS_SELECTOR, "html[data-ready]")
    WebDriverWait(chrome, WAIT_SECONDS).until(presence_of_element_located(ready))


class PhoneOnPage:
    """One handset of an open page. Waits for what it reads, and fails with what it saw."""

    def __init__(self, chrome: webdriver.Chrome, number: int) -> None:
        self.chrome = chrome
        self.root = f'[data-phone="{number}"]'

    def find(self, selector: str) -> WebElement:
        """Return the first element below the handset."""
        return self.chrome.find_element(By.CSS_SELECTOR, f"{self.root} {selector}")

    @property
    def view(self) -> str:
        """What the handset is doing: idle, dial, ussd, inbox, prompt, ..."""
        station = self.chrome.find_element(By.CSS_SELECTOR, self.root)
        return station.get_attribute("data-view") or ""

    @property
    def screen(self) -> str:
        """The words on the small screen."""
        return self.find(".prompt" if self.view == "prompt" else ".screen").text

    def press(self, *keys: str) -> None:
        """Press keys: digits, ``*``, ``#``, ``green``, ``red``, ``left``, ``right``, ``ok``..."""
        for key in keys:
            self.find(f'[data-key="{key}"]').click()

    def shows(self, *words: str, view: str | None = None) -> str:
        """Wait until the screen shows all these words (in this view) and return its text."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            seen, now = self.screen, self.view
            if all(word in seen for word in words) and view in (None, now):
                return seen
            if time.monotonic() > deadline:
                raise AssertionError(f"waited for {words} in {view}; saw {now}: {seen!r}")
            time.sleep(0.05)

    def reply(self, typed: str) -> None:
        """Type digits on the keypad and send them."""
        self.press(*typed, "green")

    def choose(self, words: str) -> None:
        """Wait for a menu with these words in a row, and send that row's number."""
        row = re.compile(rf"^(\d+)\W+.*{re.escape(words)}", re.MULTILINE)
        number = row.search(self.shows(words, view="ussd"))
        assert number is not None, f"no row with {words!r} in {self.screen!r}"
        self.reply(number[1])
