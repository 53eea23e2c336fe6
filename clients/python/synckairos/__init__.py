"""The SyncKairos client: sessions that follow themselves, on the server's clock."""
