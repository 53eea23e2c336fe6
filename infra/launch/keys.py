"""Steps that make the random secrets and the key that signs the tokens of Supabase Realtime."""

import base64
import json
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import ec

from infra.environment.secret_definitions import required_secrets
from infra.launch.context import LaunchContext
from infra.launch.errors import LaunchFailed
from infra.launch.stores import require_supabase
from infra.launch.supabase import SigningKey

_SIGNING_KEY = "SUPABASE_SIGNING_KEY"
_COORDINATE_BYTES = 32
_IN_USE = "in_use"


def has_keys(launch: LaunchContext) -> bool:
    """Return whether the file has all secrets that a launch makes."""
    return not _secrets_to_make(launch) and not _needs_signing_key(launch)


def make_keys(launch: LaunchContext) -> None:
    """Write new secrets for those that the file lacks."""
    values = _secrets_to_make(launch)
    if _needs_signing_key(launch):
        values[_SIGNING_KEY] = json.dumps(new_signing_key(), separators=(",", ":"))
    launch.file.update(values)
    launch.tell.note(f"new in {launch.file.path.name}: {', '.join(values)}")
    if _SIGNING_KEY in values:
        launch.journal.record("made_signing_key", True)


def is_signing_key_in_use(launch: LaunchContext) -> bool:
    """Return whether Supabase accepts the key's tokens, as far as this launch has to see to it.

    A launch doesn't touch the keys of a project that was there before, if the file has one.
    """
    is_ours = launch.created_project() or launch.journal.fact("made_signing_key")
    return not is_ours or launch.journal.fact("rotated") is True


def put_signing_key_in_use(launch: LaunchContext) -> None:
    """Import the key into the project, on standby, and rotate to it. Raises `LaunchFailed`."""
    supabase, ref = require_supabase(launch), launch.project_ref()
    if not ref:
        raise LaunchFailed(
            "SUPABASE_URL is not https://PROJECT.supabase.co: the project is unknown"
        )
    jwk = json.loads(launch.variables()[_SIGNING_KEY])
    key = supabase.signing_key(ref, jwk["kid"])
    if key is None:
        supabase.import_signing_key(ref, jwk)
        launch.tell.note("imported, on standby: Supabase accepts no token that it signs yet")
        key = supabase.signing_key(ref, jwk["kid"])
    if key is None:
        raise LaunchFailed("Supabase doesn't list the imported key. See the dashboard, JWT Keys")
    if key.status != _IN_USE:
        _rotate(launch, ref, key)
    launch.journal.record("rotated", True)


def new_signing_key() -> dict[str, Any]:
    """Return a new private key for ES256 as a JWK, with the fields that Supabase imports."""
    numbers = ec.generate_private_key(ec.SECP256R1()).private_numbers()
    public = numbers.public_numbers
    return {
        "kty": "EC",
        "kid": str(uuid4()),
        "use": "sig",
        "key_ops": ["sign", "verify"],
        "alg": "ES256",
        "ext": True,
        "crv": "P-256",
        "x": _base64url(public.x),
        "y": _base64url(public.y),
        "d": _base64url(numbers.private_value),
    }


def _secrets_to_make(launch: LaunchContext) -> dict[str, str]:
    """Return a new value for each random secret that the file lacks."""
    present = launch.variables()
    secrets = required_secrets(launch.target)
    return {one.name: one.make() for one in secrets if one.make and one.name not in present}


def _needs_signing_key(launch: LaunchContext) -> bool:
    return launch.target == "lambda" and bool(launch.missing((_SIGNING_KEY,)))


def _rotate(launch: LaunchContext, ref: str, key: SigningKey) -> None:
    if launch.created_project():
        launch.ask("Put the signing key of the new project in use?")
    else:
        launch.ask(
            "Rotate the project's signing keys? From then on Supabase Auth signs the tokens of all"
            " users of the project with the new key. Tokens of the previous key stay valid until"
            " you revoke it.",
            always=True,
        )
    require_supabase(launch).rotate_to(ref, key.id)


def _base64url(number: int) -> str:
    encoded = base64.urlsafe_b64encode(number.to_bytes(_COORDINATE_BYTES, "big"))
    return encoded.rstrip(b"=").decode()
