"""Build each function's environment and instance pool."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.local.functions.aws import SqsSsmClient
from infra.local.functions.instance import ExecutionEnvironment, LaunchConfig
from infra.local.functions.options import LocalRunOptions
from infra.local.functions.pool import InstancePool
from infra.local.functions.serverless_config import FunctionConfig, ServerlessConfig

_MAX_INSTANCES = 3
"""Per function, unless its reserved concurrency is lower."""


@dataclass(frozen=True, slots=True)
class PoolFactory:
    """Builds the pools and environments of all functions."""

    definitions: ServerlessConfig
    settings: Mapping[str, str]
    aws: SqsSsmClient
    queue_urls: Mapping[str, str]
    options: LocalRunOptions

    def pools(self) -> dict[str, InstancePool]:
        """Return a pool for each function, without instances yet."""
        return {f.name: self._pool(f) for f in self.definitions.functions.values()}

    async def write_parameters(self) -> None:
        """Write the secrets that functions read to Parameter Store."""
        for function in self.definitions.functions.values():
            if path := function.environment.get("SSM_PATH"):
                names = _secret_names(function) & self.settings.keys()
                await self.aws.put_secrets(path, {name: self.settings[name] for name in names})

    def environment(self, function: FunctionConfig) -> dict[str, str]:
        """Return the environment variables of `function`, without those that Lambda sets."""
        queues = {v: self.queue_urls[queue] for v, queue in function.queue_urls.items()}
        variables = dict(function.environment) | queues | self._settings(function)
        variables["AWS_ENDPOINT_URL"] = self.aws.endpoint
        if self.options.python_path:
            variables["PYTHONPATH"] = ":".join(str(folder) for folder in self.options.python_path)
        return variables

    def _settings(self, function: FunctionConfig) -> dict[str, str]:
        """Return the settings, with the names of secrets instead of their values.

        `SSM_NAMES` leaves out secrets that aren't set, because a function fails to start if one of
        its parameters is missing.
        """
        functions = self.definitions.functions.values()
        secret = frozenset[str]().union(*(_secret_names(f) for f in functions))
        names = ",".join(sorted(_secret_names(function) & self.settings.keys()))
        public = {name: value for name, value in self.settings.items() if name not in secret}
        return {**public, "SSM_NAMES": names}

    def _pool(self, function: FunctionConfig) -> InstancePool:
        write = _writer(function.name, self.options)
        launch = LaunchConfig(
            definition=function,
            code=self.options.code(function.name),
            python=self.options.python,
            region=self.definitions.region,
            environment=self.environment(function),
            write=write,
        )
        limit = min(_MAX_INSTANCES, function.reserved or _MAX_INSTANCES)
        return InstancePool(lambda: ExecutionEnvironment(launch), limit, write)


def _secret_names(function: FunctionConfig) -> frozenset[str]:
    return frozenset(filter(None, function.environment.get("SSM_NAMES", "").split(",")))


def _writer(name: str, options: LocalRunOptions) -> Callable[[str], None]:
    log = options.log

    def write(line: str) -> None:
        # Leave out the observations of `EmfMetrics`, which people don't read.
        if log is not None and not line.startswith('{"Stage"'):
            print(f"{name}: {line}", file=log, flush=True)

    return write
