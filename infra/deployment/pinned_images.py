"""The base images with their digests, as `infra/image/pin` recorded them."""

from dotenv import dotenv_values

from infra.image.pinning import PINNED_IMAGES_FILE


def pinned_base_images() -> dict[str, str]:
    """Return the build arguments that name them; empty unless all of them have a digest."""
    recorded = (
        dotenv_values(PINNED_IMAGES_FILE, interpolate=False) if PINNED_IMAGES_FILE.exists() else {}
    )
    found = {name: value or "" for name, value in recorded.items()}
    return found if all("@sha256:" in value for value in found.values()) else {}
