"""Build the layer and the functions as folders that this machine can import."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from infra.packaging.archive import write_folder
from infra.packaging.build import build
from infra.packaging.interpreter import lambda_python
from infra.packaging.manifest import PYTHON_VERSION, ROOT, Function

_HOME = ROOT / ".build" / "host"

_SETTINGS = {
    "AWS_LAMBDA_FUNCTION_NAME": "synckairos-test",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9",
    "AWS_EXECUTION_ENV": f"AWS_Lambda_python{PYTHON_VERSION}",
    "AWS_REGION": "ap-southeast-2",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "UPSTASH_REDIS_REST_URL": "http://127.0.0.1:9",
    "UPSTASH_REDIS_REST_TOKEN": "none",
    "SUPABASE_URL": "http://127.0.0.1:9",
    "SUPABASE_SERVICE_ROLE_KEY": "none",
    "ALARM_QUEUE_URL": "http://127.0.0.1:9/alarms",
    "AUDIT_QUEUE_URL": "http://127.0.0.1:9/audit",
    "CORS_ORIGINS": "",
    "EMBED_ORIGINS": "",
    "LOG_LEVEL": "INFO",
    "PUBSUB": "off",
    "STAGE": "test",
    "STORE_SHARDS": "1",
}
"""The environment of a function; nothing listens on port 9."""


@dataclass(frozen=True, slots=True)
class LocalBuild:
    """The folders of the layer and of each function."""

    layer: Path
    functions: Mapping[Function, Path]

    def start(
        self, function: Function | None, code: str, output: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """Run `code` with only the function, the layer and the standard library importable.

        Without a function, only the layer is. Python writes no bytecode.
        """
        folders = [str(self.functions[function])] if function else []
        folders.append(str(self.layer))
        return subprocess.Popen(
            [
                lambda_python(),
                "-I",
                "-S",
                "-B",
                "-c",
                f"import sys; sys.path[:0] = {folders}\n{code}",
            ],
            env={"PATH": os.environ["PATH"], **_SETTINGS},
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def build_locally() -> LocalBuild:
    """Build for this machine; return the folders. Raises `PackagingFailed`."""
    built = build("host", _HOME)
    write_folder(built.layer, _HOME / "layer")
    folders = {function: _HOME / "functions" / function.name for function in built.functions}
    for function, contents in built.functions.items():
        write_folder(contents, folders[function])
    return LocalBuild(_HOME / "layer" / "python", folders)
