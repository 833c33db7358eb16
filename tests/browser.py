"""Debian's Chromium without a window, for tests of pages; skipped where it is not installed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def browser(
    width: int = 1280, height: int = 960, downloads: Path | None = None, pixels: float = 0.5
) -> Iterator[webdriver.Chrome]:
    """Open a browser with a page of this size, and close it; files go to ``downloads``.

    ``pixels`` are those painted for one of the page: painting is most of its work, and
    only pictures need them all.
    """
    binary = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument(f"--window-size={width},{height}")
    options.add_argument(f"--force-device-scale-factor={pixels}")
    options.add_argument("--hide-scrollbars")
    if downloads is not None:
        options.add_experimental_option(
            "prefs",
            {"download.default_directory": str(downloads), "download.prompt_for_download": False},
        )
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield chrome
    finally:
        chrome.quit()


def complaints(chrome: webdriver.Chrome) -> list[str]:
    """Return the errors and warnings that the page has written to its console."""
    return [entry["message"] for entry in chrome.get_log("browser") if entry["level"] != "INFO"]
