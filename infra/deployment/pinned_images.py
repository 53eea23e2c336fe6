"""The base images with their digests, as `infra/image/pin` recorded them."""

from dotenv import dotenv_values

from infra.image.pinning import PINNED_IMAGES_FILE, base_images_in_use


def pinned_base_images() -> dict[str, str]:
    """Return the build arguments that name them; empty unless all images have a digest."""
    recorded = (
        dotenv_values(PINNED_IMAGES_FILE, interpolate=False) if PINNED_IMAGES_FILE.exists() else {}
    )
    found = {name: value or "" for name, value in recorded.items()}
    is_complete = found.keys() == base_images_in_use().keys()
    return found if is_complete and all("@sha256:" in value for value in found.values()) else {}
