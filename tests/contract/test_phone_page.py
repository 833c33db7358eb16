"""The page at /phone: keys, letters, prompts, messages, language and small screens.

The product behind it is a fake: the story on the real one is in tests/e2e.
"""

from collections.abc import Iterator

import pytest
import requests
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from standin.server import Server
from tests.browser import browser, complaints
from tests.contract.conftest import AT_KEY
from tests.contract.daraja_side import Merchant
from tests.contract.fake_product import FakeProduct, Reply, eventually
from tests.phone_page import PhoneOnPage, leave_page, open_page

pytestmark = pytest.mark.xdist_group("chromium")  # one Chromium for all
PHONE, OTHER = "254712345678", "254723456789"


@pytest.fixture(scope="module")
def chrome() -> Iterator[webdriver.Chrome]:
    with browser() as chrome:
        yield chrome


@pytest.fixture
def phone(chrome: webdriver.Chrome, standin: Server, product: FakeProduct) -> Iterator[PhoneOnPage]:
    product.ussd = lambda form: (
        Reply("END Asante.") if form["text"] == "1" else Reply(f"CON <b>Jina?</b> {form['text']}")
    )
    open_page(chrome, f"{standin.url}/phone")
    yield PhoneOnPage(chrome, 1)
    leave_page(chrome)


def type_on_keyboard(phone: PhoneOnPage, keys: str) -> None:
    webdriver.ActionChains(phone.chrome).send_keys(keys).perform()


def send_sms(standin: Server, text: str, to: str = PHONE) -> None:
    requests.post(
        f"{standin.url}/at/version1/messaging",
        data={"username": "sandbox", "to": f"+{to}", "message": text, "from": "CYCLE"},
        headers={"apiKey": AT_KEY},
        timeout=5,
    )


def verdicts(standin: Server) -> list[str | None]:
    return [payment.result_code for payment in standin.world.books.payments()]


def test_a_code_is_dialled_on_the_keypad_and_answered(phone: PhoneOnPage) -> None:
    phone.press(*"*384*2929#")
    assert phone.shows("*384*2929#", view="dial")
    phone.press("green")
    assert phone.shows("<b>Jina?</b>", view="ussd")
    phone.reply("1")
    assert phone.shows("Asante.", view="ussd") == "Asante."
    assert phone.find(".last-hop").text.endswith(" ms")
    phone.press("left")
    phone.shows(view="idle")
    assert complaints(phone.chrome) == []


def test_green_twice_dials_the_service(phone: PhoneOnPage) -> None:
    phone.press("green")
    assert phone.shows("*384*2929#", view="dial") == "*384*2929#"
    phone.press("green")
    assert phone.shows("Jina?", view="ussd").startswith("<b>Jina?</b>")


def test_letters_come_by_multi_tap(phone: PhoneOnPage, product: FakeProduct) -> None:
    phone.press("green", "green")
    phone.shows("Jina?")
    phone.press("#", "#", "5", "2", "6", "6", "3", "3", "left")  # Abc: J, a, n, e
    eventually(lambda: len(product.of("ussd")) == 2, "the reply")
    assert product.of("ussd")[1].form["text"] == "Jane"


def test_a_keyboard_types_sends_and_hangs_up(phone: PhoneOnPage, product: FakeProduct) -> None:
    type_on_keyboard(phone, "*384*2929#" + Keys.ENTER)
    phone.shows("Jina?", view="ussd")
    type_on_keyboard(phone, "Jane Wx" + Keys.BACKSPACE + "anjiku" + Keys.ENTER)
    phone.shows("Jane Wanjiku")
    type_on_keyboard(phone, Keys.ESCAPE)
    phone.shows(view="idle")
    eventually(lambda: product.of("ussd-events"), "the end of the session")
    assert product.of("ussd-events")[0].form["status"] == "Incomplete"


def test_a_session_that_times_out_says_so(phone: PhoneOnPage, standin: Server) -> None:
    standin.world.behaviour.change({"ussd_idle_seconds": 0.3})
    phone.press("green", "green")
    assert "timed out" in phone.shows("timed out")
    assert not phone.find(".screen").find_elements(By.CSS_SELECTOR, ".input")


@pytest.mark.parametrize("by_keyboard", [False, True])
def test_the_prompt_asks_for_the_pin_over_everything(
    phone: PhoneOnPage, standin: Server, shop: Merchant, by_keyboard: bool
) -> None:
    before = standin.world.books.customer(PHONE).balance
    phone.press("left")
    shop.push()
    assert "Enter M-PESA PIN" in phone.shows("Do you want to pay Ksh.", view="prompt")
    if by_keyboard:
        type_on_keyboard(phone, "1234" + Keys.ENTER)
    else:
        phone.press(*"1234", "left")
    phone.shows("Pay Bill", view="menu")
    eventually(lambda: verdicts(standin) != [None], "the verdict")
    assert verdicts(standin) == ["0"]
    assert standin.world.books.customer(PHONE).balance < before


def test_the_prompt_can_be_cancelled(phone: PhoneOnPage, standin: Server, shop: Merchant) -> None:
    shop.push()
    phone.shows("Enter M-PESA PIN", view="prompt")
    phone.press("1", "right", "right")
    phone.shows(view="idle")
    eventually(lambda: verdicts(standin) != [None], "the verdict")
    assert verdicts(standin) == ["1032"]


def test_messages_are_counted_until_they_are_read(phone: PhoneOnPage, standin: Server) -> None:
    send_sms(standin, "QK7X2M9P4R Confirmed.")
    phone.shows("1 new message", view="idle")
    assert phone.find(".badge").text.endswith("1")
    phone.press("right")
    phone.shows("CYCLE", view="inbox")
    phone.press("left")
    assert "QK7X2M9P4R Confirmed." in phone.shows("Confirmed", view="message")
    assert not phone.find(".badge").is_displayed()


def test_a_text_goes_to_the_short_code(phone: PhoneOnPage, product: FakeProduct) -> None:
    phone.press("left", "2")
    phone.shows("22929", view="form")
    type_on_keyboard(phone, "SALIO" + Keys.ENTER)
    phone.shows("Message sent")
    eventually(lambda: product.of("sms"), "the SMS")
    assert product.of("sms")[0].form["text"] == "SALIO"


def test_each_phone_is_its_own(phone: PhoneOnPage, standin: Server, product: FakeProduct) -> None:
    other = PhoneOnPage(phone.chrome, 2)
    other.press("green", "green")
    other.shows("Jina?", view="ussd")
    assert product.of("ussd")[0].form["phoneNumber"] == f"+{OTHER}"
    assert phone.look()[0] == "idle"


def test_another_sim_can_be_put_in(phone: PhoneOnPage, product: FakeProduct) -> None:
    field = phone.find(".msisdn input")
    field.clear()
    field.send_keys("0799 111 222" + Keys.ENTER)
    phone.press("green", "green")
    phone.shows("Jina?", view="ussd")
    assert product.of("ussd")[0].form["phoneNumber"] == "+254799111222"


def test_the_page_speaks_kiswahili(phone: PhoneOnPage) -> None:
    phone.chrome.find_element(By.CSS_SELECTOR, '[data-language="sw"]').click()
    assert "Menyu" in phone.find(".softlabels").text
    assert phone.chrome.find_element(By.TAG_NAME, "html").get_attribute("lang") == "sw"
    phone.press("left")
    phone.shows("Andika ujumbe", view="menu")


def test_a_small_screen_holds_one_phone_at_a_time(phone: PhoneOnPage) -> None:
    size = phone.chrome.get_window_size()
    phone.chrome.set_window_size(500, 844)
    try:
        other = PhoneOnPage(phone.chrome, 2)
        assert phone.find(".lcd").is_displayed()
        assert not other.find(".lcd").is_displayed()
        phone.chrome.find_element(By.CSS_SELECTOR, '[data-show="2"]').click()
        assert other.find(".lcd").is_displayed()
        assert not phone.find(".lcd").is_displayed()
        wide, inner = phone.chrome.execute_script(
            "return [document.documentElement.scrollWidth, window.innerWidth]"
        )
        assert wide <= inner
    finally:
        phone.chrome.set_window_size(size["width"], size["height"])
