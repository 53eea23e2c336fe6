"""An issuer's public keys (JWKS, RFC 7517 section 5), served over HTTP."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt


def key_set(private_keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return the key set of these private keys; they are named by their algorithm."""
    keys = [
        jwt.get_algorithm_by_name(name).to_jwk(key.public_key(), as_dict=True)
        | {"kid": name, "alg": name, "use": "sig"}
        for name, key in private_keys.items()
    ]
    return {"keys": keys}


@contextmanager
def served_key_set(private_keys: Mapping[str, Any]) -> Iterator[str]:
    """Serve the key set of these private keys, and yield its URL."""
    body = json.dumps(key_set(private_keys)).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/.well-known/jwks.json"
    finally:
        server.shutdown()
        server.server_close()
