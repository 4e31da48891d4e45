"""Notices: the outbox in the ledger, and the delivery by mail and webhook."""
