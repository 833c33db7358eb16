"""A thin client of Safaricom's Daraja: one module per API, one answer type, no retries of money.

``account`` holds the settings, ``transport`` sends and ``outcomes`` classifies, ``token``
shares the OAuth token, ``bodies`` reads what Daraja posts to us. Nothing here knows the ledger.
"""
