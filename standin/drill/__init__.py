"""The drill: simulated people move money while everything goes wrong; then books are compared.

It uses the product as its customers and M-Pesa do, over real sockets, and reads the ledger as
an auditor. ``python -m standin.drill`` runs it; `cycle drill` hands over to that.
"""
