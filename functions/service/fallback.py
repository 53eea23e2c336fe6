"""The function for the API reference, and for every path that no other function serves.

It knows all routes, so it can tell a wrong method (405) from a wrong path (404).
"""

from functions.endpoints import ROUTES
from functions.service.reference import reference_documents
from shared.serverless.http_function import HttpFunction

handler = HttpFunction(
    lambda: [*ROUTES, *(document.route() for document in reference_documents(ROUTES))]
)
