"""Alarms and nudges, as SQS gets them."""

import logging
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from shared.alarms.sqs import SqsAnnouncer, decode_alarm, encode_alarm
from shared.aws.client import AwsClient
from shared.clock import StoreClock
from shared.domain.units import Instant, Millis, after
from shared.ports import News, Wakeup
from tests.functions.moto_aws import LocalAws, Sent
from tests.functions.recording_aws import RecordingAws

_HOUR_S = 3600


@pytest.fixture
def clock() -> StoreClock:
    """The clock of a store that is an hour ahead of this machine."""
    clock = StoreClock()
    moment = time.monotonic()
    clock.observe(moment, moment, time.time() + _HOUR_S)
    return clock


@pytest.fixture
async def announcer(
    aws: LocalAws, aws_environment: None, clock: StoreClock
) -> AsyncIterator[SqsAnnouncer]:
    """An announcer with two queues of its own."""
    client = AwsClient(httpx.create_ssl_context())
    yield SqsAnnouncer(client, clock, aws.new_queue(), aws.new_queue())
    await client.close()


@pytest.mark.parametrize(
    ("left_ms", "delay_s"),
    [
        (20 * 60_000, 900),
        (901_900, 900),
        (900_900, 899),
        (60_500, 59),
        (5_900, 4),
        (2_500, 1),
        (1_900, 0),
        (500, 0),
        (-500, 0),
        (-60_000, 0),
    ],
)
async def test_an_alarm_comes_a_second_before_its_instant_and_never_more_than_two(
    announcer: SqsAnnouncer, clock: StoreClock, aws: LocalAws, left_ms: int, delay_s: int
) -> None:
    at = after(clock.now(), Millis(left_ms))
    await announcer.announce(News("a-session", alarm_at=at))
    assert aws.sent_to(announcer.alarm_queue_url) == [
        Sent(encode_alarm(Wakeup("a-session", at)), delay_s)
    ]
    assert aws.sent_to(announcer.audit_queue_url) == []


async def test_an_alarm_is_set_no_further_ahead_than_was_said(
    announcer: SqsAnnouncer, clock: StoreClock, aws: LocalAws
) -> None:
    short = SqsAnnouncer(
        announcer.aws, clock, announcer.alarm_queue_url, announcer.audit_queue_url, 7
    )
    await short.announce(News("a-session", alarm_at=after(clock.now(), Millis(60_000))))
    assert [sent.delay_s for sent in aws.sent_to(announcer.alarm_queue_url)] == [7]


async def test_a_nudge_says_nothing_and_waits_a_second(
    announcer: SqsAnnouncer, aws: LocalAws
) -> None:
    await announcer.announce(News("a-session", fills_outbox=True))
    (nudge,) = aws.sent_to(announcer.audit_queue_url)
    assert nudge.delay_s == 1
    assert "a-session" not in nudge.body
    assert aws.sent_to(announcer.alarm_queue_url) == []


async def test_no_news_send_no_message(announcer: SqsAnnouncer, aws: LocalAws) -> None:
    await announcer.announce(News("a-session"))
    assert aws.sent_to(announcer.alarm_queue_url) == []
    assert aws.sent_to(announcer.audit_queue_url) == []


async def test_a_queue_that_is_not_there_is_only_logged(
    announcer: SqsAnnouncer, clock: StoreClock, aws: LocalAws, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = f"{aws.endpoint}/123456789012/no-such-queue"
    lost = SqsAnnouncer(announcer.aws, clock, nowhere, announcer.audit_queue_url)
    with caplog.at_level(logging.WARNING, "synckairos.alarms"):
        await lost.announce(News("a-session", clock.now(), fills_outbox=True))
    assert len(aws.sent_to(announcer.audit_queue_url)) == 1
    (record,) = caplog.records
    assert "AmazonSQS.SendMessage: 400" in record.getMessage()


async def test_an_aws_that_is_away_is_only_logged(
    announcer: SqsAnnouncer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcer.aws, "_endpoint", "http://127.0.0.1:1")
    with caplog.at_level(logging.WARNING, "synckairos.alarms"):
        await announcer.announce(News("a-session", Instant(1), fills_outbox=True))
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


async def test_an_aws_that_hangs_is_given_up_before_the_one_who_waits_gives_up(
    container_credentials: RecordingAws, clock: StoreClock, caplog: pytest.LogCaptureFixture
) -> None:
    container_credentials.credentials_after_s = container_credentials.answers_after_s = 0.9
    client = AwsClient(httpx.create_ssl_context())
    began = time.monotonic()
    await SqsAnnouncer(client, clock, "alarms", "audit").announce(News("a-session", Instant(1)))
    assert time.monotonic() - began < 1.2
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    await client.close()


def test_an_alarm_is_read_as_it_was_written() -> None:
    alarm = Wakeup("5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10", Instant(1_795_581_064_728))
    assert decode_alarm(encode_alarm(alarm)) == alarm


@pytest.mark.parametrize("body", ["", "hello", "{}", "[1]", '{"session_id":"a","at":"soon"}'])
def test_what_is_no_alarm_is_a_value_error(body: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 # the type is all that is promised
        decode_alarm(body)
