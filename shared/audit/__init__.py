"""The audit trail: its entries, the outbox interface and the database adapters."""
