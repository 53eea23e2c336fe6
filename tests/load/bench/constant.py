"""A FastAPI route that returns a constant, to measure the cost of the framework alone."""

from fastapi import FastAPI

from functions.container.http_server import build_server
from shared.settings.settings import Settings

app = FastAPI()


@app.get("/health")
async def constant() -> dict[str, str]:
    """Return the constant."""
    return {"status": "ok"}


if __name__ == "__main__":
    build_server(app, Settings.from_environment(), "off").run()
