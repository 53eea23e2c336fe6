"""How a function is started: with which environment, in how many instances."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.local.functions.aws import Aws
from infra.local.functions.definitions import Definition, Definitions
from infra.local.functions.instance import Instance, Launch
from infra.local.functions.options import Options
from infra.local.functions.pool import Pool


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the environment of every function is made from."""

    definitions: Definitions
    settings: Mapping[str, str]
    aws: Aws
    queue_urls: Mapping[str, str]
    options: Options

    def pools(self) -> dict[str, Pool]:
        """A pool for each function; no instance is started yet."""
        return {f.name: self._pool(f) for f in self.definitions.functions.values()}

    async def store_secrets(self) -> None:
        """Put what functions read from the parameter store there."""
        for function in self.definitions.functions.values():
            if self.options.parameter_store and (path := function.environment.get("SSM_PATH")):
                names = _secret_names(function) & self.settings.keys()
                await self.aws.put_secrets(path, {name: self.settings[name] for name in names})

    def environment(self, function: Definition) -> dict[str, str]:
        """What `function` finds in its environment, besides what Lambda puts there."""
        queues = {v: self.queue_urls[queue] for v, queue in function.queue_urls.items()}
        own = dict(function.environment) | queues | self._settings(function)
        own["AWS_ENDPOINT_URL"] = self.aws.endpoint
        if self.options.python_path:
            own["PYTHONPATH"] = ":".join(str(folder) for folder in self.options.python_path)
        return own

    def _settings(self, function: Definition) -> dict[str, str]:
        """The settings; of secrets only their names, if they are in the parameter store.

        Those that nobody has set are not looked for, as in a stage without an audit trail.
        """
        if not self.options.parameter_store:
            return {**self.settings, "SSM_PATH": "", "SSM_NAMES": ""}
        every = self.definitions.functions.values()
        secret = frozenset[str]().union(*(_secret_names(f) for f in every))
        named = ",".join(sorted(_secret_names(function) & self.settings.keys()))
        public = {name: value for name, value in self.settings.items() if name not in secret}
        return {**public, "SSM_NAMES": named}

    def _pool(self, function: Definition) -> Pool:
        write = _writer(function.name, self.options)
        launch = Launch(
            definition=function,
            code=self.options.code(function.name),
            python=self.options.python,
            region=self.definitions.region,
            environment=self.environment(function),
            write=write,
        )
        limit = self.options.limits.get(function.name, self.options.limit)
        return Pool(lambda: Instance(launch), min(limit, function.reserved or limit), write)


def _secret_names(function: Definition) -> frozenset[str]:
    return frozenset(filter(None, function.environment.get("SSM_NAMES", "").split(",")))


def _writer(name: str, options: Options) -> Callable[[str], None]:
    log = options.log

    def write(line: str) -> None:
        # Metrics (CloudWatch's embedded metric format) are for no reader.
        if log is not None and not line.startswith('{"_aws"'):
            print(f"{name}: {line}", file=log, flush=True)

    return write
