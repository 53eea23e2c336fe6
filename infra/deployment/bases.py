"""The image's bases by digest, as `infra/image/pin` has noted them."""

from dotenv import dotenv_values

from infra.image.pinning import BASES


def pinned_bases() -> dict[str, str]:
    """The build arguments that name them; none where they are not pinned."""
    noted = dotenv_values(BASES, interpolate=False) if BASES.exists() else {}
    found = {name: value or "" for name, value in noted.items()}
    return found if all("@sha256:" in value for value in found.values()) else {}
