"""SQS messages: delays and bodies of alarms and audit triggers, and failures to send."""

import logging
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from shared.application import timeout
from shared.application.ports.notifier import CommitNotification
from shared.application.ports.session_store import Wakeup
from shared.application.store_clock import StoreClock
from shared.aws import sqs
from shared.aws.client import AwsClient
from shared.aws.sqs import SqsNotifier, decode_alarm, encode_alarm
from shared.domain.units import Instant, Millis, after
from tests.functions.moto_aws import LocalAws, SentMessage
from tests.functions.recording_aws import RecordingAws

_HOUR_S = 3600


class StoppedClock(StoreClock):
    """Clock of a store that is one hour ahead of this machine. It doesn't run."""

    def __init__(self) -> None:
        super().__init__()
        self._now = Instant(round((time.time() + _HOUR_S) * 1000))

    def now(self) -> Instant:
        return self._now


@pytest.fixture
def clock() -> StoreClock:
    """A clock that shows the same time during the whole test."""
    return StoppedClock()


@pytest.fixture
async def notifier(
    aws: LocalAws, aws_environment: None, clock: StoreClock
) -> AsyncIterator[SqsNotifier]:
    """Return a notifier with two new queues."""
    client = AwsClient(httpx.create_ssl_context())
    yield SqsNotifier(client, clock, aws.create_queue(), aws.create_queue())
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
async def test_an_alarm_arrives_one_to_two_seconds_early(
    notifier: SqsNotifier, clock: StoreClock, aws: LocalAws, left_ms: int, delay_s: int
) -> None:
    at = after(clock.now(), Millis(left_ms))
    await notifier.notify(CommitNotification("a-session", alarm_at=at))
    assert aws.messages_in(notifier.alarm_queue_url) == [
        SentMessage(encode_alarm(Wakeup("a-session", at)), delay_s)
    ]
    assert aws.messages_in(notifier.audit_queue_url) == []


async def test_the_delay_of_an_alarm_is_at_most_the_configured_maximum(
    notifier: SqsNotifier, clock: StoreClock, aws: LocalAws
) -> None:
    limited = SqsNotifier(
        notifier.aws, clock, notifier.alarm_queue_url, notifier.audit_queue_url, 7
    )
    await limited.notify(
        CommitNotification("a-session", alarm_at=after(clock.now(), Millis(60_000)))
    )
    assert [sent.delay_s for sent in aws.messages_in(notifier.alarm_queue_url)] == [7]


async def test_an_audit_trigger_names_no_session_and_is_delayed_by_a_second(
    notifier: SqsNotifier, aws: LocalAws
) -> None:
    await notifier.notify(CommitNotification("a-session", outbox_was_empty=True))
    (trigger,) = aws.messages_in(notifier.audit_queue_url)
    assert trigger.delay_s == 1
    assert "a-session" not in trigger.body
    assert aws.messages_in(notifier.alarm_queue_url) == []


async def test_a_commit_without_alarm_and_outbox_entry_sends_no_message(
    notifier: SqsNotifier, aws: LocalAws
) -> None:
    await notifier.notify(CommitNotification("a-session"))
    assert aws.messages_in(notifier.alarm_queue_url) == []
    assert aws.messages_in(notifier.audit_queue_url) == []


async def test_a_missing_queue_is_logged_and_raises_nothing(
    notifier: SqsNotifier, clock: StoreClock, aws: LocalAws, caplog: pytest.LogCaptureFixture
) -> None:
    missing_queue_url = f"{aws.endpoint}/123456789012/no-such-queue"
    misconfigured = SqsNotifier(notifier.aws, clock, missing_queue_url, notifier.audit_queue_url)
    with caplog.at_level(logging.WARNING, "synckairos.alarms"):
        await misconfigured.notify(
            CommitNotification("a-session", clock.now(), outbox_was_empty=True)
        )
    assert len(aws.messages_in(notifier.audit_queue_url)) == 1
    (record,) = caplog.records
    assert "AmazonSQS.SendMessage: 400" in record.getMessage()


async def test_an_unreachable_aws_is_logged_and_raises_nothing(
    notifier: SqsNotifier, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier.aws, "_endpoint", "http://127.0.0.1:1")
    with caplog.at_level(logging.WARNING, "synckairos.alarms"):
        await notifier.notify(CommitNotification("a-session", Instant(1), outbox_was_empty=True))
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


@pytest.mark.parametrize("hanging", ["are_credentials_hanging", "is_hanging"])
async def test_sending_to_a_hanging_aws_stops_after_the_timeout_of_messages(
    container_credentials: RecordingAws,
    clock: StoreClock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    hanging: str,
) -> None:
    setattr(container_credentials, hanging, True)
    monkeypatch.setattr("shared.aws.client._TIMEOUT", httpx.Timeout(30))
    client = AwsClient(httpx.create_ssl_context())
    await SqsNotifier(client, clock, "alarms", "audit").notify(
        CommitNotification("a-session", Instant(1))
    )
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "not sent in time" in caplog.text
    await client.close()


def test_messages_are_given_up_before_the_change_that_waits_for_them() -> None:
    assert sqs._TRIGGER_TIMEOUT_S < sqs._TIMEOUT_S < timeout._TIMEOUT_S


def test_an_encoded_alarm_is_decoded_unchanged() -> None:
    alarm = Wakeup("5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10", Instant(1_795_581_064_728))
    assert decode_alarm(encode_alarm(alarm)) == alarm


@pytest.mark.parametrize("body", ["", "hello", "{}", "[1]", '{"session_id":"a","at":"soon"}'])
def test_decoding_an_invalid_alarm_raises_value_error(body: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 # the message isn't part of the contract
        decode_alarm(body)
