"""The local emulator behaves as Lambda, API Gateway, SQS and EventBridge do."""

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from infra.local.functions import FunctionError, LocalFunctions, LocalRunOptions, running_functions
from tests.support.reports import Reports

_ROOT = Path(__file__).parents[2]

_HANDLERS = {
    "echo": """
        import os
        def handler(event, context):
            return {"event": event, "pid": os.getpid()}
    """,
    "environment": """
        import os
        def handler(event, context):
            left = context.get_remaining_time_in_millis()
            return {"environment": dict(os.environ), "cwd": os.getcwd(), "left_ms": left,
                    "name": context.function_name, "arn": context.invoked_function_arn}
    """,
    "literal": """
        import json
        def handler(event, context):
            return json.loads(event["body"])
    """,
    "waiting": """
        import os, socket
        def handler(event, context):
            with socket.create_connection(("127.0.0.1", int(os.environ["REPORTS"]))) as connection:
                connection.sendall(b'"called"')
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1)
            return {"pid": os.getpid()}
    """,
    "fragile": """
        import os, time
        def handler(event, context):
            how = event["pathParameters"]["how"]
            if how == "crash":
                os._exit(3)
            if how == "sleep":
                time.sleep(30)
            if how == "raise":
                raise ValueError("nothing doing")
            return {"pid": os.getpid()}
    """,
    "broken": """
        print("about to break")
        raise RuntimeError("no settings")
    """,
    "frozen": """
        from pathlib import Path
        from snapshot_restore_py import register_after_restore, register_before_snapshot
        state = Path(__file__).with_name("state")
        seen = [state.read_text()]
        register_before_snapshot(lambda: seen.append("snapshot"))
        register_after_restore(lambda: seen.append(state.read_text()))
        def handler(event, context):
            return seen
    """,
    "credentials": """
        import json, os, urllib.request
        def handler(event, context):
            request = urllib.request.Request(
                os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"],
                headers={"Authorization": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]})
            return json.load(urllib.request.urlopen(request)) | {"environment": dict(os.environ)}
    """,
    "worker": """
        import json, os, socket
        def handler(event, context):
            with socket.create_connection(("127.0.0.1", int(os.environ["REPORTS"]))) as connection:
                connection.sendall(json.dumps(event).encode())
            bad = [r["messageId"] for r in event.get("Records", []) if r["body"] == "bad"]
            return {"batchItemFailures": [{"itemIdentifier": name} for name in bad]}
    """,
}

_SERVERLESS = """
service: local
params:
  default: {frozen: false, queue: jobs}
  icy: {frozen: true}
provider:
  region: eu-north-1
  environment: {SHARED: "${sls:stage}", SSM_PATH: "/local/${sls:stage}"}
functions:
  echo:
    handler: echo.handler
    events:
      - httpApi: GET /things
      - httpApi: "GET /things/{id}"
      - httpApi: GET /things/all
      - httpApi: "POST /things/{id}"
      - httpApi: {method: "*", path: "/things/{id}/parts/{part}"}
      - httpApi: "GET /files/{path+}"
      - httpApi: GET /files/{folder}/index
      - httpApi: "*"
  environment:
    handler: environment.handler
    timeout: 7
    memorySize: 256
    environment: {OWN: "1", JOBS: {Ref: JobQueue}, SSM_NAMES: "TOKEN,UNSET"}
  literal: {handler: literal.handler, events: [{httpApi: POST /literal}]}
  waiting: {handler: waiting.handler, events: [{httpApi: GET /waiting}]}
  single: {handler: waiting.handler, reservedConcurrency: 1, events: [{httpApi: GET /single}]}
  fragile: {handler: fragile.handler, timeout: 1, events: [{httpApi: "GET /fragile/{how}"}]}
  broken: {handler: broken.handler, events: [{httpApi: GET /broken}]}
  frozen: {handler: frozen.handler, snapStart: "${param:frozen}"}
  credentials: {handler: credentials.handler, snapStart: true}
  worker:
    handler: worker.handler
    events:
      - sqs:
          arn: {Fn::GetAtt: [JobQueue, Arn]}
          batchSize: 10
          functionResponseType: ReportBatchItemFailures
  hourly: {handler: worker.handler, events: [{schedule: rate(2 hours)}]}
resources:
  - ${file(queues.yml)}
"""

_QUEUES = """
Resources:
  JobQueue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: local-${param:queue}
      VisibilityTimeout: 1
      RedrivePolicy:
        deadLetterTargetArn: {Fn::GetAtt: [DeadJobs, Arn]}
        maxReceiveCount: 2
  DeadJobs: {Type: AWS::SQS::Queue}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with small functions."""
    folder = tmp_path_factory.mktemp("functions")
    for name, body in _HANDLERS.items():
        first = body.index(body.lstrip())
        indent = body[:first].rpartition("\n")[2]
        (folder / f"{name}.py").write_text(body.replace(f"\n{indent}", "\n"))
    (folder / "serverless.yml").write_text(_SERVERLESS)
    (folder / "queues.yml").write_text(_QUEUES)
    (folder / "state").write_text("before")
    return folder


def options(folder: Path, **more: Any) -> LocalRunOptions:
    """Return options to run the project in `folder`, by default without its schedules."""
    defaults: dict[str, Any] = {"stage": "icy", "schedule_speed": 0, "timeout_s": 2.0}
    return LocalRunOptions(
        file=folder / "serverless.yml", code=lambda _: folder, **(defaults | more)
    )


@pytest.fixture(scope="module")
def reports() -> Iterator[Reports]:
    """Receives the functions' reports."""
    with Reports() as reports:
        yield reports


@pytest.fixture(scope="module")
def running(folder: Path, reports: Reports) -> Iterator[LocalFunctions]:
    """The running project."""
    settings = {"REPORTS": str(reports.port), "TOKEN": "secret", "OTHER": "public"}
    with running_functions(settings, options(folder)) as running:
        yield running


def next_report(reports: Reports, key: str) -> Any:
    """Return the next report with `key`.

    SQS delivers a message again if its function needs longer than the visibility timeout, so a
    message of an earlier test may be reported first.
    """
    return next(report for report in iter(reports.next, None) if key in report)


@pytest.fixture
def http(running: LocalFunctions) -> Iterator[httpx.Client]:
    """Client of its gateway."""
    with httpx.Client(base_url=running.url, timeout=20) as client:
        yield client


@pytest.fixture
def sqs(running: LocalFunctions) -> Iterator[Any]:
    """Client of its queues."""
    names = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "eu-north-1"}
    client = boto3.client("sqs", endpoint_url=running.aws_endpoint, **names)
    yield client
    client.close()


@pytest.mark.parametrize(
    ("method", "path", "route", "parameters"),
    [
        ("GET", "/things", "GET /things", None),
        ("GET", "/things/all", "GET /things/all", None),
        ("GET", "/things/7", "GET /things/{id}", {"id": "7"}),
        ("GET", "/things/b%20c%2525", "GET /things/{id}", {"id": "b c%25"}),
        ("GET", "/things/a%2Fb", "$default", None),
        ("POST", "/things/all", "POST /things/{id}", {"id": "all"}),
        ("PUT", "/things/7", "$default", None),
        ("GET", "/things/", "$default", None),
        ("DELETE", "/things/7/parts/8", "ANY /things/{id}/parts/{part}", {"id": "7", "part": "8"}),
        ("GET", "/files/a/b.css", "GET /files/{path+}", {"path": "a/b.css"}),
        ("GET", "/files/a%2Fb", "GET /files/{path+}", {"path": "a/b"}),
        ("GET", "/files/a/index", "GET /files/{folder}/index", {"folder": "a"}),
        ("OPTIONS", "/things", "$default", None),
        ("GET", "/", "$default", None),
    ],
)
def test_the_most_specific_route_answers(
    http: httpx.Client, method: str, path: str, route: str, parameters: dict[str, str] | None
) -> None:
    event = http.request(method, path).json()["event"]
    assert event["routeKey"] == event["requestContext"]["routeKey"] == route
    assert event.get("pathParameters") == parameters


def test_an_http_apis_event_has_payload_format_2(http: httpx.Client) -> None:
    headers = [("X-A", "1"), ("x-a", "2"), ("Cookie", "b=1; c=2"), ("User-Agent", "tester")]
    answer = http.get("/things/a%20b?q=1&q=%C3%A9&empty=", headers=headers)
    event = answer.json()["event"]
    assert event["version"] == "2.0"
    assert event["rawPath"] == "/things/a b"
    assert event["rawQueryString"] == "q=1&q=%C3%A9&empty="
    assert event["queryStringParameters"] == {"q": "1,é", "empty": ""}
    assert event["headers"]["x-a"] == "1,2"
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert event["cookies"] == ["b=1", "c=2"]
    assert not {"cookie", "connection"} & event["headers"].keys()
    assert event["requestContext"]["http"] == {
        "method": "GET",
        "path": "/things/a b",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "tester",
    }
    assert event["requestContext"]["requestId"] == answer.headers["apigw-requestid"]
    assert abs(event["requestContext"]["timeEpoch"] / 1000 - time.time()) < 60
    assert (event["isBase64Encoded"], "body" in event) == (False, False)


@pytest.mark.parametrize(
    ("content_type", "body", "is_base64"),
    [
        ("application/json; charset=utf-8", '{"a": "é"}'.encode(), False),
        ("text/plain", b"plain", False),
        ("application/x-www-form-urlencoded", b"a=1", True),
        ("application/octet-stream", bytes(range(256)), True),
        ("application/json", b"\xff", True),
    ],
)
def test_a_body_that_is_not_text_is_base64_in_the_event(
    http: httpx.Client, content_type: str, body: bytes, is_base64: bool
) -> None:
    headers = {"Content-Type": content_type}
    event = http.post("/things/7", content=body, headers=headers).json()["event"]
    assert event["isBase64Encoded"] is is_base64
    assert (base64.b64decode if is_base64 else str.encode)(event["body"]) == body


def test_a_functions_result_becomes_the_http_response(http: httpx.Client) -> None:
    answer = {
        "statusCode": 418,
        "headers": {"X-Count": 3, "Content-Type": "image/x-dot", "Content-Length": "99"},
        "cookies": ["a=1; Secure", "b=2"],
        "body": base64.b64encode(b"\x00\xff").decode(),
        "isBase64Encoded": True,
    }
    response = http.post("/literal", json=answer)
    assert (response.status_code, response.content) == (418, b"\x00\xff")
    assert response.headers["x-count"] == "3"
    assert response.headers["content-type"] == "image/x-dot"
    assert response.headers.get_list("set-cookie") == ["a=1; Secure", "b=2"]


@pytest.mark.parametrize(
    ("answer", "body"), [({"a": [1]}, '{"a": [1]}'), ("Hello", "Hello"), (True, "true")]
)
def test_a_result_without_a_status_is_the_body_of_a_200(
    http: httpx.Client, answer: object, body: str
) -> None:
    response = http.post("/literal", json=answer)
    assert (response.status_code, response.text) == (200, body)
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "answer", [{"statusCode": "much"}, {"statusCode": 200, "body": {"a": 1}}, {"statusCode": None}]
)
def test_an_invalid_result_is_500(http: httpx.Client, answer: dict[str, Any]) -> None:
    response = http.post("/literal", json=answer)
    assert (response.status_code, response.json()) == (500, {"message": "Internal Server Error"})


def test_a_function_that_raises_is_500_and_its_instance_is_kept(
    http: httpx.Client, running: LocalFunctions
) -> None:
    before = http.get("/fragile/fine").json()["pid"]
    response = http.get("/fragile/raise")
    assert (response.status_code, response.json()) == (500, {"message": "Internal Server Error"})
    assert http.get("/fragile/fine").json()["pid"] == before
    with pytest.raises(FunctionError, match="ValueError: nothing doing"):
        running.invoke("fragile", {"pathParameters": {"how": "raise"}})


@pytest.mark.parametrize(
    ("how", "kind"), [("crash", "Runtime.ExitError"), ("sleep", "Sandbox.Timedout")]
)
def test_an_instance_that_crashed_or_timed_out_is_replaced(
    http: httpx.Client, running: LocalFunctions, how: str, kind: str
) -> None:
    before = http.get("/fragile/fine").json()["pid"]
    assert http.get(f"/fragile/{how}").status_code == 500
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    assert http.get("/fragile/fine").json()["pid"] != before
    with pytest.raises(FunctionError) as failed:
        running.invoke("fragile", {"pathParameters": {"how": how}})
    assert failed.value.kind == kind


def test_a_body_above_ten_megabytes_is_refused(http: httpx.Client) -> None:
    response = http.post("/things/7", content=bytes(10 * 1024 * 1024 + 1))
    assert (response.status_code, response.json()) == (413, {"message": "Request Entity Too Large"})


def test_a_warm_instance_serves_calls_in_sequence(
    http: httpx.Client, running: LocalFunctions
) -> None:
    pids = {http.get("/things").json()["pid"] for _ in range(5)}
    assert len(pids) == 1
    assert running.counts("echo").cold_starts == 1


def test_concurrent_calls_go_to_separate_instances(
    http: httpx.Client, reports: Reports, running: LocalFunctions
) -> None:
    with ThreadPoolExecutor() as threads:
        answers = [threads.submit(http.get, "/waiting") for _ in range(2)]
        with reports.caller(), reports.caller():
            pass
        pids = {answer.result().json()["pid"] for answer in answers}
    assert len(pids) == 2
    assert running.counts("waiting").cold_starts == 2


def test_a_call_beyond_the_reserved_concurrency_is_503(
    http: httpx.Client, reports: Reports
) -> None:
    with ThreadPoolExecutor() as threads:
        first = threads.submit(http.get, "/single")
        with reports.caller():
            response = http.get("/single")
        assert first.result().status_code == 200
    assert (response.status_code, response.json()) == (503, {"message": "Service Unavailable"})


def test_a_function_that_does_not_start_reports_error_and_output(
    http: httpx.Client, running: LocalFunctions
) -> None:
    assert http.get("/broken").status_code == 500
    with pytest.raises(FunctionError, match=r"(?s)no settings.*about to break"):
        running.warm_up("broken")


def test_a_functions_environment_and_context_are_those_of_lambda(
    folder: Path, running: LocalFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://unrelated/database")
    result = running.invoke("environment", {})
    environment = result["environment"]
    assert result["cwd"] == environment["LAMBDA_TASK_ROOT"] == str(folder)
    assert result["name"] == environment["AWS_LAMBDA_FUNCTION_NAME"] == "local-icy-environment"
    assert result["arn"].endswith(":eu-north-1:123456789012:function:local-icy-environment")
    assert 6000 < result["left_ms"] <= 7000
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert environment["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "eu-north-1"
    assert environment["_HANDLER"] == "environment.handler"
    assert environment["AWS_ENDPOINT_URL"] == running.aws_endpoint
    assert (environment["SHARED"], environment["OWN"], environment["OTHER"]) == (
        "icy",
        "1",
        "public",
    )
    assert environment["JOBS"] == running.queue_urls["JobQueue"]
    assert "DATABASE_URL" not in environment


def test_a_secret_is_only_in_the_parameter_store(running: LocalFunctions) -> None:
    environment = running.invoke("environment", {})["environment"]
    assert "TOKEN" not in environment
    assert environment["SSM_NAMES"] == "TOKEN"
    names = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "eu-north-1"}
    ssm = boto3.client("ssm", endpoint_url=running.aws_endpoint, **names)
    stored = ssm.get_parameters(Names=[environment["SSM_PATH"] + "/TOKEN"], WithDecryption=True)
    ssm.close()
    assert [(p["Type"], p["Value"]) for p in stored["Parameters"]] == [("SecureString", "secret")]


def test_a_snapshot_is_restored_by_the_next_call(folder: Path, running: LocalFunctions) -> None:
    running.snapshot("frozen")
    (folder / "state").write_text("after")
    assert running.invoke("frozen", {}) == ["before", "snapshot", "after"]
    assert running.counts("frozen").cold_starts == 1


def test_with_snap_start_credentials_come_from_a_url(running: LocalFunctions) -> None:
    result = running.invoke("credentials", {})
    assert {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"} < result.keys()
    assert "AWS_ACCESS_KEY_ID" not in result["environment"]
    assert result["environment"]["AWS_LAMBDA_INITIALIZATION_TYPE"] == "snap-start"


def test_a_message_invokes_its_function_after_its_delay(
    running: LocalFunctions, reports: Reports, sqs: Any
) -> None:
    url = running.queue_urls["JobQueue"]
    sent_at = time.monotonic()
    sent = sqs.send_message(QueueUrl=url, MessageBody="wake up", DelaySeconds=1)
    (record,) = reports.next()["Records"]
    assert time.monotonic() - sent_at >= 1.0
    assert record["messageId"] == sent["MessageId"]
    assert record["body"] == "wake up"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == "arn:aws:sqs:eu-north-1:123456789012:local-jobs"
    assert record["awsRegion"] == "eu-north-1"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert int(record["attributes"]["SentTimestamp"]) > 0


def test_a_failed_message_is_retried_and_then_sent_to_the_dead_letter_queue(
    running: LocalFunctions, reports: Reports, sqs: Any
) -> None:
    entries = [{"Id": body, "MessageBody": body} for body in ("good", "bad")]
    sqs.send_message_batch(QueueUrl=running.queue_urls["JobQueue"], Entries=entries)
    deliveries: set[tuple[str, str]] = set()
    while ("bad", "2") not in deliveries or ("good", "1") not in deliveries:
        deliveries |= {
            (record["body"], record["attributes"]["ApproximateReceiveCount"])
            for record in next_report(reports, "Records")["Records"]
        }
    assert ("bad", "1") in deliveries
    dead = sqs.receive_message(QueueUrl=running.queue_urls["DeadJobs"], WaitTimeSeconds=10)
    assert [message["Body"] for message in dead["Messages"]] == ["bad"]


def test_a_schedule_can_be_fired_manually(running: LocalFunctions, reports: Reports) -> None:
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(running.fire, "hourly")
        event = next_report(reports, "source")
        assert answer.result() == {"batchItemFailures": []}
    assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")
    assert event["resources"] == ["arn:aws:events:eu-north-1:123456789012:rule/hourly"]


def test_a_schedule_fires_repeatedly(folder: Path, reports: Reports) -> None:
    speed = 2 * 3600 / 0.2
    settings = {"REPORTS": str(reports.port)}
    with running_functions(settings, options(folder, schedule_speed=speed)):
        events = [reports.next() for _ in range(3)]
    assert len({event["id"] for event in events}) == 3


@pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_emulator_and_all_its_processes(
    folder: Path, stop_signal: signal.Signals
) -> None:
    program = f"""
import signal
from contextlib import suppress
from pathlib import Path
from infra.local.functions import LocalRunOptions, running_functions
signal.signal(signal.SIGTERM, signal.default_int_handler)
folder = Path({str(folder)!r})
options = LocalRunOptions(
    file=folder / "serverless.yml", code=lambda _: folder, warm=["echo", "worker"])
with suppress(KeyboardInterrupt), running_functions({{"REPORTS": "9"}}, options) as running:
    print(running.url, flush=True)
    signal.pause()
"""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        url = process.stdout.readline().strip()
        children = _children(process.pid)
        assert len(children) >= 3  # moto and two instances
        process.send_signal(stop_signal)
        try:
            assert process.wait(10) == 0
        finally:
            process.kill()
        assert process.stderr.read() == ""
    for pid in children:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def _children(pid: int) -> set[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=True)
    return set(map(int, found.stdout.split()))
