"""Which language a request is answered in."""

from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

from konsento.kit.i18n import LANGUAGES, Language

COOKIE = "konsento_language"


def language_of(request: Request) -> Language:
    """Return the language asked for in the address, else chosen before, else the browser's."""
    return (
        LANGUAGES.get(request.query_params.get("lang"))
        or LANGUAGES.get(request.cookies.get(COOKIE))
        or LANGUAGES.accepted(request.headers.get("accept-language", ""))
    )


def address_in(request: Request, language: Language) -> str:
    """Return the address of the page at hand in a language. For a form that was sent: of the page with the form."""
    query = [(k, v) for k, v in parse_qsl(request.url.query) if k != "lang"]
    return f"{request.url.path}?{urlencode([*query, ('lang', language.code)])}"
