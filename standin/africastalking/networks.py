"""Kenya's networks as Africa's Talking names them, with what their USSD can carry."""

from dataclasses import dataclass

import phonenumbers
from phonenumbers import carrier

from standin.africastalking.gsm7 import shown_on_ussd


@dataclass(frozen=True, slots=True)
class Network:
    """An operator: its code in callbacks and the characters that one USSD screen holds."""

    code: str
    name: str
    screen_characters: int

    def show(self, text: str) -> str:
        """Return what is left of a screen on this network: cut, and only what GSM-7 can draw."""
        return shown_on_ussd(text, self.screen_characters)


SAFARICOM = Network("63902", "Safaricom", 160)
NETWORKS = {
    network.name: network
    for network in (
        SAFARICOM,
        Network("63903", "Airtel", 184),
        Network("63907", "Telkom", 160),
        Network("63999", "Equitel", 160),
    )
}


def of(msisdn: str) -> Network:
    """Return the network that a number's prefix belongs to; porting is not known here."""
    number = phonenumbers.parse(f"+{msisdn}")
    return NETWORKS.get(carrier.name_for_number(number, "en"), SAFARICOM)
