"""Grades twelve pages with MDN's scanner of security headers, the HTTP Observatory.

    python -m bench.observatory

Starts the product as in production on a database of its own, behind a TLS proxy that the scanner
trusts. Fails when a page gets under 135 points: A+ begins at 100, and 140 are the most for hosts
that browsers do not know beforehand. Needs Node 20 or newer with npm and, the first time, the
network; without them it exits with 77, as test drivers say "skipped".
"""

from __future__ import annotations

import sys

from bench.observatory.product import OPERATOR_HOST, ORGANIZATION_HOST, serving
from bench.observatory.scanner import Grade, NotPossible, Page, grade, install

LEAST = 135
SKIPPED = 77


def main() -> int:
    try:
        install()
    except NotPossible as error:
        print(f"SKIPPED: no page was graded by MDN's scanner, because {error}", file=sys.stderr)
        return SKIPPED
    with serving() as product:
        pages = list_pages(product.cookies)
        grades = grade(pages, product.port)
    for page, found in zip(pages, grades, strict=True):
        print(f"{found.score:4}  {found.status}  {page.name}")
    faults = [fault for pair in zip(pages, grades, strict=True) for fault in find_faults(*pair)]
    for fault in faults:
        print(f"FAULT {fault}", file=sys.stderr)
    return 1 if faults else 0


def list_pages(cookies: dict[str, str]) -> list[Page]:
    """Six of each kind of host: signed out, in error, signed in."""
    operator, member = cookies[OPERATOR_HOST], cookies[ORGANIZATION_HOST]
    return [
        Page(OPERATOR_HOST, "/sign-in/", 200),
        Page(OPERATOR_HOST, "/nothing/", 404),
        Page(OPERATOR_HOST, "/?q=%00", 400),
        Page(OPERATOR_HOST, "/", 200, operator),
        Page(OPERATOR_HOST, "/organizations/new/", 200, operator),
        Page(OPERATOR_HOST, "/admin/", 200, operator),
        Page(ORGANIZATION_HOST, "/", 200),  # leads to the sign-in
        Page(ORGANIZATION_HOST, "/invitations/nobody/", 404),
        Page(ORGANIZATION_HOST, "/calls/?q=%00", 400),
        Page(ORGANIZATION_HOST, "/", 200, member),
        Page(ORGANIZATION_HOST, "/calls/", 200, member),
        Page(ORGANIZATION_HOST, "/deliveries/", 200, member),
    ]


def find_faults(page: Page, found: Grade) -> list[str]:
    """In sentences. Another status means that another page was graded."""
    faults = []
    if found.status != page.status:
        faults.append(f"{page.name} answered {found.status} instead of {page.status}.")
    if found.score < LEAST:
        said = ", ".join(f"{result} {points:+}" for result, points in found.results)
        faults.append(f"{page.name} gets {found.score} points, {LEAST} are needed: {said}.")
    return faults


if __name__ == "__main__":
    sys.exit(main())
