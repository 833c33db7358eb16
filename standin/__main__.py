"""``python -m standin``: serve the outside world on localhost until told to stop."""

import gc
import json
import signal
import threading

import click
from pydantic import ValidationError

from standin.server import Server
from standin.settings import StandinSettings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=0, show_default=True, help="Web port; 0 takes a free one.")
@click.option("--smtp-port", default=0, show_default=True, help="SMTP port; 0 takes a free one.")
@click.option("--product-url", help="Where callbacks go. Default: PUBLIC_URL.")
@click.option("--at-key", help="Path key of callbacks. Default: first of AT_CALLBACK_KEYS.")
def main(host: str, port: int, smtp_port: int, product_url: str | None, at_key: str | None) -> None:
    """Serve Daraja, Africa's Talking, SMTP and the phones.

    Identities come from the product's own environment names (AT_API_KEY, MPESA_SHORTCODE, ...).
    Prints one JSON line when ready.
    """
    try:
        settings = StandinSettings()  # type: ignore[call-arg] # from the environment
    except ValidationError as error:
        names = ", ".join(str(problem["loc"][0]).upper() for problem in error.errors())
        raise click.UsageError(f"missing or wrong in the environment: {names}") from None
    gc.freeze()  # what is loaded by now stays: no search for garbage looks at it again
    told_to_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told_to_stop.set())
    try:
        server = Server(settings, host=host, port=port, smtp_port=smtp_port)
    except OSError as error:
        raise click.ClickException(f"can't listen: {error}") from None
    server.gateway.product.change(url=product_url, key=at_key)
    server.start()
    click.echo(json.dumps({"standin": server.url, "smtp_port": server.smtp_port}))
    told_to_stop.wait()
    server.stop()


if __name__ == "__main__":
    main()
