"""Safaricom's Daraja as the product sees it: one module per API, registered on a Flask app."""

from flask import Flask

from standin.world import World


def register(app: Flask, world: World) -> None:
    """Add all routes of the M-Pesa side to the app."""
    app.extensions["standin"] = world
