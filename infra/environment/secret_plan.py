"""Plan which secrets to set: those given, generated or asked for; others stay unchanged."""

from collections.abc import Callable
from dataclasses import dataclass, field

from infra.environment.secret_definitions import Secret


@dataclass
class SecretPlan:
    """What to set; values are never printed."""

    values: dict[str, str] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    replaced: list[Secret] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    missing: list[Secret] = field(default_factory=list)


def plan_secrets(
    secrets: tuple[Secret, ...],
    given: dict[str, str],
    present: set[str],
    ask: Callable[[Secret], str],
) -> SecretPlan:
    """Plan from the `given` values and the names of the `present` secrets.

    Given values replace present ones. A secret that is neither given nor present is generated, or
    asked for; `ask` returns "" without a terminal.
    """
    result = SecretPlan()
    for secret in secrets:
        if value := given.get(secret.name, ""):
            if secret.name in present:
                result.replaced.append(secret)
        elif secret.name in present:
            result.kept.append(secret.name)
            continue
        elif secret.make:
            value = secret.make()
            result.made.append(secret.name)
        elif secret.is_required:
            value = ask(secret)
        if value:
            result.values[secret.name] = value
        elif secret.is_required:
            result.missing.append(secret)
    return result
