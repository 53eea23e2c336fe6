"""The function for the API reference, and for every path that no other function serves.

It knows all routes, so it can tell a wrong method (405) from a wrong path (404).
"""

from functions.endpoints import ROUTES
from shared.http.openapi.document import document_route
from shared.serverless.http_function import HttpFunction

handler = HttpFunction(lambda: [*ROUTES, document_route("/api-docs.json", ROUTES)])
