"""Hands for the page at ``/phone``: press keys, type, read the small screen."""

import re
import time

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import presence_of_element_located
from selenium.webdriver.support.ui import WebDriverWait

WAIT_SECONDS = 20.0
_KEYS = """
    const [root, keys] = arguments;
    return keys.map((key) => document.querySelector(`${root} [data-key="${key}"]`));
"""
_LOOK = """
    const station = document.querySelector(arguments[0]);
    const view = station.dataset.view ?? '';
    const screen = station.querySelector(view === 'prompt' ? '.prompt' : '.screen');
    return [view, screen.innerText.trim()];
"""


def open_page(chrome: webdriver.Chrome, address: str) -> None:
    """Open the page and wait until both handsets are there."""
    chrome.get(address)
    ready = (By.CSS_SELECTOR, "html[data-ready]")
    WebDriverWait(chrome, WAIT_SECONDS).until(presence_of_element_located(ready))


def leave_page(chrome: webdriver.Chrome) -> None:
    """Let the open page do and remember nothing more: the next one is a first visit."""
    # Leaving it for a blank page would take a new process of Chromium.
    chrome.execute_script(
        "for (let id = setTimeout(() => {}); id; id--) clearTimeout(id); localStorage.clear()"
    )


class PhoneOnPage:
    """One handset of an open page. Waits for what it reads, and fails with what it saw."""

    def __init__(self, chrome: webdriver.Chrome, number: int) -> None:
        self.chrome = chrome
        self.root = f'[data-phone="{number}"]'

    def find(self, selector: str) -> WebElement:
        """Return the first element below the handset."""
        return self.chrome.find_element(By.CSS_SELECTOR, f"{self.root} {selector}")

    def look(self) -> tuple[str, str]:
        """Return what the handset is doing (idle, dial, ussd, inbox, prompt, ...) and its words."""
        view, screen = self.chrome.execute_script(_LOOK, self.root)
        return view, screen

    def press(self, *keys: str) -> None:
        """Press keys: digits, ``*``, ``#``, ``green``, ``red``, ``left``, ``right``, ``ok``..."""
        # One chain: a click of its own takes three times the CPU.
        hand = webdriver.ActionChains(self.chrome, duration=0)
        for key in self.chrome.execute_script(_KEYS, self.root, keys):
            hand.click(key)
        hand.perform()

    def shows(self, *words: str, view: str | None = None) -> str:
        """Wait until the screen shows all these words (in this view) and return its text."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            now, seen = self.look()
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
        assert number is not None, f"no row with {words!r}"
        self.reply(number[1])
