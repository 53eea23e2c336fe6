"""An outage is logged once, and once more when it ends."""

import logging

import pytest

from shared.application.outage_log import OutageLog

_LOG = logging.getLogger("synckairos.outage")


def test_an_outage_is_logged_when_it_begins_and_when_it_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outages = OutageLog(_LOG)
    with caplog.at_level(logging.INFO, _LOG.name):
        outages.end()
        for _ in range(3):
            outages.begin("the database is away", "the database is back")
        outages.end()
        outages.end()
        outages.begin("the database is away again", "the database is back")
    assert [record.getMessage() for record in caplog.records] == [
        "the database is away",
        "the database is back",
        "the database is away again",
    ]
