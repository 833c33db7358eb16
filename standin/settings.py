"""What the stand-in is told at start. Names are the product's own environment names.

One environment can therefore start both sides; nothing here is read by the product.
"""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class StandinSettings(BaseSettings):
    """Identities that the stand-in accepts, and where it calls back."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    mpesa_consumer_key: str = Field(description="Daraja app's consumer key")
    mpesa_consumer_secret: SecretStr = Field(description="Daraja app's consumer secret")
    mpesa_shortcode: str = Field(default="600966", description="Paybill that receives")
    mpesa_passkey: SecretStr = Field(description="Passkey of the paybill's STK password")
    mpesa_b2c_shortcode: str = Field(default="600966", description="Shortcode that pays out")
    mpesa_initiator_name: str = Field(description="API operator of the shortcode")
    mpesa_initiator_password: SecretStr = Field(description="The API operator's password")
    standin_private_key: SecretStr | None = Field(
        default=None,
        description="PEM of the RSA key that opens SecurityCredential; generated when absent",
    )
    standin_seed: int = Field(default=0, description="Seed of faults' random choices")
    standin_utility: str = Field(
        default="1000000.00", description="Shillings in the utility account at start"
    )
    standin_c2b_confirmation_url: str = Field(
        default="", description="Registers the paybill's confirmation URL without a call"
    )
    standin_c2b_validation_url: str = Field(
        default="", description="Registers the paybill's validation URL without a call"
    )
    public_url: str = Field(default="", description="The product's address, for callbacks")
    at_username: str = Field(default="sandbox", description="Africa's Talking username")
    at_api_key: SecretStr = Field(default=SecretStr(""), description="Africa's Talking API key")
    at_sender_id: str = Field(default="", description="Alphanumeric sender or shortcode of SMS")
    at_callback_keys: str = Field(
        default="", description="Path keys of the product's callbacks, comma-separated"
    )
    ussd_code: str = Field(default="*384*2929#", description="USSD code of the product")
    smtp_user: str = Field(default="", description="Login of the mail server; empty: none needed")
    smtp_pass: SecretStr = Field(default=SecretStr(""), description="Password of that login")
    sms_code: str = Field(default="22929", description="SMS short code of the product")
