"""Configs that stop Aperture's start, and those that it takes although a reader would not: the lenient and the strict."""

from __future__ import annotations

from tests.contracts.case import case, request

_HEAD = "  - name: pw_c\n    hostregexp: '.*'\n    address: {upstream}\n    protocol: http\n"
_PATH = "    pathregexp: '^/c'\n"


def _one(*lines: str) -> str:
    """One service for /c with these lines."""
    return "services:\n" + _HEAD + _PATH + "".join(f"    {line}\n" for line in lines)


def _bare(*lines: str) -> str:
    return "services:\n" + "".join(f"  {'- ' if not number else '  '}{line}\n" for number, line in enumerate(lines))


CONFIGS: dict[str, str] = {
    "plain": _one("price: 5"),
    "empty": "services: []\n",
    "null": "services:\n",
    "absent": "another: thing\n",
    "unknown key": _one("price: 5", "colour: blue"),
    "unknown section": _one("price: 5") + "mystery:\n  a: 1\n",
    "mapping": "services:\n  a: b\n",
    "text": "services: hello\n",
    "number": "services: 5\n",
    "key twice": _one("price: 5", "price: 6"),
    "section twice": _one("price: 5") + "services: []\n",
    "key twice elsewhere": _one("price: 5") + "mystery:\n  a: 1\n  a: 2\n",
    "key case": _one("Price: 5"),
    "price none": _one("auth: 'on'"),
    "price 0": _one("price: 0", "timeout: 60", "capabilities: a", "constraints: {b: c}"),
    "price 1": _one("price: 1", "timeout: 60", "capabilities: a", "constraints: {b: c}"),
    "price null": _one("price:"),
    "price fraction": _one("price: 2.9"),
    "price text": _one("price: '7'"),
    "price words": _one("price: seven"),
    "price hex": _one("price: 0x10"),
    "price octal": _one("price: 010"),
    "price underscore": _one("price: 1_000"),
    "price exponent": _one("price: 1e3"),
    "price negative": _one("price: -1"),
    "price most": _one("price: 9999999999999"),
    "price more": _one("price: 10000000000001"),
    "price true": _one("price: true"),
    "timeout 0": _one("price: 5", "timeout: 0"),
    "timeout negative": _one("price: 5", "timeout: -5"),
    "timeout text": _one("price: 5", "timeout: '60'"),
    "timeout fraction": _one("price: 5", "timeout: 60.7"),
    "timeout duration": _one("price: 5", "timeout: 1h"),
    "auth on": _one("price: 5", "auth: on"),
    "auth ON": _one("price: 5", "auth: 'ON'"),
    "auth true": _one("price: 5", "auth: true"),
    "auth yes": _one("price: 5", "auth: yes"),
    "auth no": _one("price: 5", "auth: no"),
    "auth off": _one("price: 5", "auth: off"),
    "auth false": _one("price: 5", "auth: false"),
    "auth null": _one("price: 5", "auth:"),
    "auth empty": _one("price: 5", "auth: ''"),
    "auth number": _one("price: 5", "auth: 1"),
    "auth space": _one("price: 5", "auth: ' on'"),
    "freebie": _one("price: 5", "auth: freebie"),
    "freebie words": _one("price: 5", "auth: freebie many"),
    "freebie two": _one("price: 5", "auth: freebie 1 2"),
    "freebie negative": _one("price: 5", "auth: freebie -1"),
    "freebie glued": _one("price: 5", "auth: freebies 0"),
    "freebie spaces": _one("price: 5", "auth: 'freebie  1'"),
    "freebie large": _one("price: 5", "auth: freebie 65536"),
    "host bad": "services:\n  - name: a\n    hostregexp: '('\n    address: {upstream}\n    price: 5\n",
    "path bad": _bare("name: a", "hostregexp: '.*'", "pathregexp: '['", "address: {upstream}", "price: 5"),
    "path lookahead": _bare("name: a", "hostregexp: '.*'", "pathregexp: '^/(?!x)c'", "address: {upstream}", "price: 5"),
    "path backreference": _bare(
        "name: a", "hostregexp: '.*'", "pathregexp: '(a)\\1'", "address: {upstream}", "price: 5"
    ),
    "path repeat": _bare("name: a", "hostregexp: '.*'", "pathregexp: 'c{1001}'", "address: {upstream}", "price: 5"),
    "path nested repeat": _bare(
        "name: a", "hostregexp: '.*'", "pathregexp: '^/(c{0,500}){9}'", "address: {upstream}", "price: 5"
    ),
    "path class": _bare("name: a", "hostregexp: '.*'", "pathregexp: '^/\\pL$'", "address: {upstream}", "price: 5"),
    "path empty": _bare("name: a", "hostregexp: '.*'", "pathregexp: ''", "address: {upstream}", "price: 5"),
    "path named": _bare("name: a", "hostregexp: '.*'", "pathregexp: '^/(?<x>c)'", "address: {upstream}", "price: 5"),
    "path named P": _bare("name: a", "hostregexp: '.*'", "pathregexp: '^/(?P<x>c)'", "address: {upstream}", "price: 5"),
    "path any byte": _bare("name: a", "hostregexp: '.*'", "pathregexp: '^/\\Cc'", "address: {upstream}", "price: 5"),
    "path quoted": _bare("name: a", "hostregexp: '.*'", "pathregexp: '^\\Q/c\\E$'", "address: {upstream}", "price: 5"),
    "path end": _bare("name: a", "hostregexp: '.*'", "pathregexp: '^/c\\z'", "address: {upstream}", "price: 5"),
    "path end Z": _bare("name: a", "hostregexp: '.*'", "pathregexp: '^/c\\Z'", "address: {upstream}", "price: 5"),
    "host none": _bare("name: a", "address: {upstream}", "price: 5"),
    "name none": _bare("hostregexp: '.*'", "address: {upstream}", "price: 5"),
    "name empty": _bare("name: ''", "hostregexp: '.*'", "address: {upstream}", "price: 5"),
    "name number": _bare("name: 5", "hostregexp: '.*'", "address: {upstream}", "price: 5"),
    "name colon": _bare("name: 'a:b'", "hostregexp: '.*'", "address: {upstream}", "price: 5"),
    "name twice": _one("price: 5", "timeout: 60")
    + _HEAD
    + "    pathregexp: '^/d'\n    price: 5\n    capabilities: x\n",
    "address none": _bare("name: a", "hostregexp: '.*'", "price: 5", "auth: 'off'"),
    "protocol none": _bare("name: a", "hostregexp: '.*'", "address: {upstream}", "auth: 'off'"),
    "protocol odd": _bare("name: a", "hostregexp: '.*'", "address: {upstream}", "auth: 'off'", "protocol: gopher"),
    "protocol upper": _bare("name: a", "hostregexp: '.*'", "address: {upstream}", "auth: 'off'", "protocol: HTTP"),
    "scheme odd": _one("price: 5", "authscheme: odd"),
    "scheme mpp": _one("price: 5", "authscheme: mpp"),
    "scheme both": _one("price: 5", "authscheme: l402+mpp"),
    "capabilities list": _one("price: 5", "capabilities: [a, b]"),
    "capabilities number": _one("price: 5", "capabilities: 5"),
    "constraints text": _one("price: 5", "constraints: a"),
    "constraints number": _one("price: 5", "constraints: {a: 1}"),
    "constraints null": _one("price: 5", "constraints: {a: }"),
    "constraints true": _one("price: 5", "constraints: {a: true}"),
    "headers number": _one("price: 5", "auth: 'off'", "headers: {x-a: 1}"),
    "headers file": _one("price: 5", "headers: {x-a: '!file+hex:/nowhere'}"),
    "headers file odd": _one("price: 5", "headers: {x-a: '!file'}"),
    "prefix relative": _one("price: 5", "rewrite: {prefix: a}"),
    "prefix query": _one("price: 5", "rewrite: {prefix: '/a?b'}"),
    "prefix fragment": _one("price: 5", "rewrite: {prefix: '/a#b'}"),
    "prefix host": _one("price: 5", "rewrite: {prefix: '//a/b'}"),
    "prefix escaped": _one("auth: 'off'", "rewrite: {prefix: '/a%2fb%20c'}"),
    "prefix bad escape": _one("price: 5", "rewrite: {prefix: '/a%zz'}"),
    "prefix slash": _one("auth: 'off'", "rewrite: {prefix: '/'}"),
    "prefix climb": _one("auth: 'off'", "rewrite: {prefix: '/a/../b'}"),
    "limit plain": _one("price: 5", "ratelimits: [{requests: 1, per: 1s}]"),
    "limit none": _one("price: 5", "ratelimits: [{per: 1s}]"),
    "limit no time": _one("price: 5", "ratelimits: [{requests: 1}]"),
    "limit zero": _one("price: 5", "ratelimits: [{requests: 0, per: 1s}]"),
    "limit negative": _one("price: 5", "ratelimits: [{requests: 1, per: -1s}]"),
    "limit number": _one("price: 5", "ratelimits: [{requests: 1, per: 60}]"),
    "limit words": _one("price: 5", "ratelimits: [{requests: 1, per: minute}]"),
    "limit day": _one("price: 5", "ratelimits: [{requests: 1, per: 1d}]"),
    "limit mixed": _one("price: 5", "ratelimits: [{requests: 1, per: 1h30m1.5s}]"),
    "limit path bad": _one("price: 5", "ratelimits: [{requests: 1, per: 1s, pathregexp: '('}]"),
    "limit burst negative": _one("auth: 'off'", "ratelimits: [{requests: 1, per: 1s, burst: -1}]"),
    "whitelist bad": _one("price: 5", "authwhitelistpaths: ['(']"),
    "whitelist text": _one("price: 5", "authwhitelistpaths: '^/c'"),
    "skip bad": _one("price: 5", "authskipinvoicecreationpaths: ['(']"),
    "certificate gone": _one("price: 5", "tlscertpath: /nowhere/cert"),
    "not yaml": "services: [\n",
    "tabs": "services:\n\t- name: a\n",
    "anchor": "base: &b {hostregexp: '.*', address: '{upstream}', price: 9, name: a}\nservices:\n  - *b\n",
    "merge": "base: &b {hostregexp: '.*', address: '{upstream}', price: 9}\nservices:\n  - <<: *b\n    name: a\n",
    "two documents": _one("price: 5") + "---\nservices: []\n",
    "comment": "# nothing\n",
}
ASKED = case(
    "config", "whether anybody is charged, how much, and what the token says", request("GET /c"), request("GET /d")
)
REFUSED = "refused: it never starts"
LIFETIMES_S = {"pw_c": 60}
