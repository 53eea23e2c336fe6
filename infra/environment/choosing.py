"""Which secrets are set to what: given, made, asked for, or left as they are."""

from collections.abc import Callable
from dataclasses import dataclass, field

from infra.environment.required import Secret


@dataclass
class Plan:
    """What will be set; values are never shown."""

    values: dict[str, str] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    replaced: list[Secret] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    missing: list[Secret] = field(default_factory=list)


def plan(
    secrets: tuple[Secret, ...],
    given: dict[str, str],
    present: set[str],
    ask: Callable[[Secret], str],
) -> Plan:
    """Those `given` replace what is there; what isn't there is made, or asked for.

    `ask` returns nothing where nobody can be asked.
    """
    chosen = Plan()
    for secret in secrets:
        if value := given.get(secret.name, ""):
            if secret.name in present:
                chosen.replaced.append(secret)
        elif secret.name in present:
            chosen.kept.append(secret.name)
            continue
        elif secret.make:
            value = secret.make()
            chosen.made.append(secret.name)
        elif secret.is_needed:
            value = ask(secret)
        if value:
            chosen.values[secret.name] = value
        elif secret.is_needed:
            chosen.missing.append(secret)
    return chosen
