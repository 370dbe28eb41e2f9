"""What a request is for: a page that a person goes to, or something that browsers ask for besides.
Browsers say so, and over plain HTTP at least what they accept. A script that says nothing, such
as curl, counts as a person.
"""

from flask import Request

AHEAD = frozenset({"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"})  # prefetch, prerender, preview


def is_navigation(incoming: Request) -> bool:
    """Return whether a person goes to this page: by a link, a bookmark, the address bar."""
    headers = incoming.headers
    is_page = headers.get("Sec-Fetch-Dest", "document") == "document"
    goes_there = headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
    return incoming.method == "GET" and is_page and goes_there and is_shown(incoming)


def is_shown(incoming: Request) -> bool:
    """Return whether a person sees the answer, so that a message in it is read. They also see what
    static/enhance.js shows in place, for which it accepts HTML alone.
    """
    headers, endpoint = incoming.headers, incoming.endpoint
    accepted, what = headers.get("Accept", "*/*"), headers.get("Sec-Fetch-Dest", "document")
    is_file = endpoint == "static" or (endpoint is None and "." in incoming.path)  # favicon.ico
    return (
        incoming.method in ("GET", "POST")
        and what in ("document", "empty")
        and ("text/html" in accepted or (what, accepted) == ("document", "*/*"))
        and AHEAD.isdisjoint(headers.keys())
        and headers.get("X-Requested-With") != "XMLHttpRequest"
        and not is_file
    )
