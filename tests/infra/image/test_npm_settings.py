"""The image build gets this machine's npm settings about the registry, and no others."""

from infra.image.npm_settings import npmrc


def test_settings_of_the_registry_are_passed_on() -> None:
    settings = {
        "registry": "https://npm.example.org/",
        "cafile": "/etc/ssl/own.crt",
        "strict-ssl": True,
        "proxy": None,
        "audit": False,
        "prefix": "/usr",
    }
    assert npmrc(settings) == (
        "registry=https://npm.example.org/\ncafile=/etc/ssl/own.crt\nstrict-ssl=true\n"
    )
