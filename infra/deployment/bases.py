"""The image's bases by digest, as `infra/image/pin` has noted them."""

from infra.deployment.programs import ROOT

_FILE = ROOT / "infra" / "image" / "bases.env"


def pinned_bases() -> dict[str, str]:
    """The build arguments that name them; none where they are not pinned."""
    if not _FILE.exists():
        return {}
    lines = (line.strip() for line in _FILE.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    found = {name: value for name, _, value in pairs}
    return found if all("@sha256:" in value for value in found.values()) else {}
