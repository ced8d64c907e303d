"""Hostile content: texts, numbers, orders, files and answers that no partner should send and some partner will.

Everything here is data. What has to hold for it is in the tests beside it; `proof.fuzz` starts from it too.
"""

from __future__ import annotations

from decimal import Decimal

_CLIMBS = ("../", "..\\", "..%2f", "%2e%2e/", "%2e%2e%5c", "..%c0%af", "..%252f", "....//", "..;/")
_UNSEEN = [*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x61C, *range(0x200B, 0x2010)]
_UNSEEN += [
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
    *range(0xFFF9, 0xFFFC),
    0xD800,
    0xDFFF,
]

PATHS = [
    *(climb * deep + "etc/passwd" for climb in _CLIMBS for deep in (1, 8)),
    *("..", ".", "/", "//", "\\", "/etc/passwd", "\\\\host\\share", "C:\\", "C:", "file:///etc/passwd"),
    *("~", "~root/.ssh/authorized_keys", "$HOME", "%USERPROFILE%", "`id`", "$(id)", "; rm -rf /", "| id"),
    *("-rf", "--", "a--b", "a/../b", "a/./b", "a//b", "a/", "./a", ".hidden", "a.", "a ", " a", "a:b:$DATA"),
    *("*", "?", "[a]", "{a,b}", "<a>", '"a"', "'a'", "a\x00.json", "a.json\x00.exe", "a%00.json"),
]  # fmt: skip
"""Names that climb, or mean another place to some server or shell."""

DEVICES = [
    form.format(device)
    for device in (
        *("CON", "PRN", "AUX", "NUL", "CLOCK$", "CONIN$", "CONOUT$"),
        *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10)),
    )
    for form in ("{}", "{}.json", "{} .")
]
"""Names that are no files on Windows."""

SPREADSHEET = [
    *("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "＋1", "－1", "＠A1"),  # noqa: RUF001
    '=HYPERLINK("http://evil.example","pay")',
    "=cmd|' /C calc'!A0",
    "x;=1+1",
    'x;"=1+1',
    "x; \t=1+1",
    "x,=1+1",
    "x\t=1+1",
    'a","=1+1","',
    'a";"=1+1',
    "a\r\n=1+1,b",
    "\ufeff=1",
    "\u200b=1",
    "'=1",
]
"""Cells that a spreadsheet would run, at their start or behind a separator of another country."""

MARKUP = [
    "<script>alert(1)</script>",
    "</td></tr></table><img src=x onerror=alert(1)>",
    "'\"><svg/onload=alert(1)>",
    "<!-- --><b>",
    "]]><x>",
    "&lt;b&gt; &#60;b&#62; &amp;",
    "{{ 7*7 }} {% raw %} ${7*7} %s %(a)s {0} {a.__class__}",
    "[pay](http://evil.example) ![x](http://evil.example/x.png)",
    "www.evil.example https://evil.example a@evil.example",
    "| a | b |\n|---|---|",
    "`code` **bold** ~~gone~~ $x$",
    "\n# Title\n\n> quote\n\n---\n",
    "javascript:alert(1)",
]
"""Texts that a mail, the Prefect UI or a template could take for its own language."""

HEADERS = [
    "x\r\nBcc: evil@evil.example",
    "x\nBcc: evil@evil.example\n\nbody",
    "x\rBcc: evil@evil.example",
    "x\x0bBcc: evil@evil.example",
    "x\u2028Bcc: evil@evil.example",
    "x\x85Bcc: evil@evil.example",
    "=?utf-8?q?x=0D=0ABcc:_evil@evil.example?=",
    "=?utf-8?b?eA0KQmNjOiBldmlsQGV2aWwuZXhhbXBsZQ==?=",
    "=?utf-8?q?x?= =?utf-8?q?=0ABcc:_evil@evil.example?=",
    "=?iso-2022-jp?b?GyRCDQo=?=",
    "=?x-nothing?q?=0D=0A?=",
    "=?utf-8?q?=FF=FE?=",
    "=?",
    "\r\n.\r\nMAIL FROM:<evil@evil.example>",
    "é" * 300,
    "x" * 10_000,
    '"quoted" <evil@evil.example>, other@evil.example',
]
"""Texts that end a mail header, or become one when a header is written anew."""

UNICODE = [
    *(f"a{chr(code)}b" for code in _UNSEEN),
    "１２",  # noqa: RUF001
    "١٢",
    "²",
    "1_0",
    "cafe\u0301",
    "ﬀ",
    "İ",
    "\U0001f600" * 50,
    "e" + "\u0301" * 500,
    "\ufdfa" * 100,
    "\u3164",
    "\u202egnp.exe",
    "x" * 10_240,
    "é" * 5_120,
    "   ",
    "",
]
"""Characters that hide, turn a line round, are half of a pair, or are digits of another script."""

TEXTS = list(dict.fromkeys([*PATHS, *DEVICES, *SPREADSHEET, *MARKUP, *HEADERS, *UNICODE]))

NUMBERS: dict[str, Decimal | None] = {
    "78.3": Decimal("78.3"),
    "78.30": Decimal("78.3"),
    "78.300000000": Decimal("78.3"),
    '"78.30"': Decimal("78.3"),
    "0.0001": Decimal("0.0001"),
    "0.1": Decimal("0.1"),
    "0.3": Decimal("0.3"),
    "2.675": Decimal("2.675"),
    "999999.9999": Decimal("999999.9999"),
    "100000.0001": Decimal("100000.0001"),
    "12345.6789": Decimal("12345.6789"),
    "1": Decimal(1),
    "0": Decimal(0),
    "-0": Decimal(0),
    "-0.00": Decimal(0),
    **dict.fromkeys(
        [
            *("NaN", "Infinity", "-Infinity", '"NaN"', '"Infinity"', "true", "false", '""', '" "', "[]", "{}"),
            *("1e2", "1E2", "1e-2", "1.0e0", "0e999999999", "1e999999999", "-1e400", '"1e2"', '"1E+2"'),
            *("0.00001", "78.30001", "1000000", "999999999999.9999", "-78.3", "-0.0001", '"-78.30"'),
            *('"１２"', '"١٢"', '"1_0"', '"1,000"', '"78,30"', '" 1"', '"1 "', '"+1"', '"0x10"', '"1/2"'),  # noqa: RUF001
            *('".5"', '"5."', '"--1"', '"\\u0031\\u0000"', '"\\ud800"', '"1\\n"'),
            *("9" * 25, "9" * 5_000, "0." + "1" * 5_000, '"' + "9" * 5_000 + '"', "1" * 400_000),
        ]
    ),
}  # fmt: skip
"""JSON text of a price, and the amount it is; None where it has to be refused."""

ORDERS = {
    "nothing": "null",
    "no object": "17",
    "text": '"order"',
    "empty list": "[]",
    "empty object": "{}",
    "no number": '{"orderId": NaN}',
    "member twice": '{"orderId": "M1", "orderId": "M2"}',
    "member twice, the second time a list": '{"orderId": "M1", "shipments": [], "shipments": [[]]}',
    "half a character": '{"orderId": "\\ud800"}',
    "half a character in a name": '{"orderId": "M9001", "\\ud800": 1, "grandTotal": "x"}',
    "a name of 10 kB": '{"orderId": "M9002", "grandTotal": "x", "' + "n" * 10_240 + '": 1}',
    "a name that is a pointer": '{"orderId": "M9003", "grandTotal": {"../a~1b": 1}}',
    "70 deep": '{"orderId": "M9004", "billTo": ' + "[" * 70 + "]" * 70 + "}",
    "70 deep in an unknown member": '{"orderId": "M9005", "x": ' + '{"a":' * 70 + "1" + "}" * 70 + "}",
    "500 deep": "[" * 500 + "]" * 500,
    "5,000 deep": "[" * 5_000 + "]" * 5_000,
    "100,000 deep": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "10,000 deep, with brackets in its texts": '["]}\\"[",' * 10_000 + "1" + "]" * 10_000,
    "2,000 wrong items": '{"orderId": "M9006", "shipments": [{"shipmentItems": ['
    + ",".join(['{"itemQuantity": "x"}'] * 2_000)
    + "]}]}",
    "1 MB of one value": '{"orderId": "M9007", "grandTotal": 1, "currency": "' + "x" * 1_000_000 + '"}',
}  # fmt: skip
"""JSON text of one element of a feed that is no order; it may cost no other order."""

_SALE = '{"orderId": "A32-T1-000001", "orderDate": 1795186800000, "currency": "USD", "storeId": "A32", %s}'
_LINE = '{%s, "omniFulfillmentType": "%s", "gtin": "1", "quantity": %s, "price": %s%s}'
SALES = {
    name: _SALE % members
    for name, members in {
        "seconds": '"orderDate": 1795186800',
        "no lines": '"totalAmount": 0',
        "the last digit is too fine for the database": '"returnProductList": ['
        + _LINE % ('"orderItemId": "1"', "IN_STORE", "0.333", "2.99", "")
        + "]",
        "more than the database holds": '"returnProductList": ['
        + _LINE % ('"orderItemId": "1"', "IN_STORE", "999999999999", "999999999999.9999", "")
        + "]",
        "an id that another line's second time would get": '"totalAmount": 3, "orderProductList": ['
        + ", ".join(
            _LINE % (f'"orderItemId": "{item_id}"', "IN_STORE", "1", "1", "")
            for item_id in ("1", "1", "1~2")
        )
        + "]",
        "a discount larger than the price, and one of the whole": '"totalAmount": -1, '
        '"transactionDiscountAmount": 1, "orderProductList": ['
        + _LINE % ('"orderItemId": "1"', "IN_STORE", "1", "10", ', "discount": 20')
        + ", "
        + _LINE % ('"orderItemId": "2"', "SHIP_TO_HOME", "1", "10", "")
        + "]",
        "a return that was cancelled": '"returnProductList": ['
        + _LINE % ('"itemStatus": "CANCELLED"', "IN_STORE", "1", "10", "")
        + "]",
    }.items()
}
"""Documents of a till, each an array element."""

_ARRAY = '[{"orderId": "M1"}]'
FILES = {
    "empty": b"",
    "white space": b" \r\n\t ",
    "only a byte order mark": b"\xef\xbb\xbf",
    "UTF-16": _ARRAY.encode("utf-16"),
    "UTF-16 without mark": _ARRAY.encode("utf-16-be"),
    "UTF-32": _ARRAY.encode("utf-32"),
    "Latin-1": '[{"orderId": "M1", "customerLastName": "Peña"}]'.encode("latin-1"),
    "invalid UTF-8": b'[{"orderId": "\xc3\x28"}]',
    "overlong UTF-8": b'[{"orderId": "\xc0\xaf"}]',
    "encoded surrogate": b'[{"orderId": "\xed\xa0\x80"}]',
    "cut in a character": b'[{"orderId": "\xf0\x9f',
    "NUL bytes": bytes(4096),
    "gzip": b"\x1f\x8b\x08\x00" + bytes(40),
    "zip": b"PK\x03\x04" + bytes(40),
    "CSV": b"orderId,grandTotal\r\nM1,1\r\n",
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "two documents": b"[] []",
    "JSON lines": b'{"orderId": "M1"}\n{"orderId": "M2"}',
    "one order": b'{"orderId": "M1"}',
    "cut array": b'[{"orderId": "M1"},',
    "cut order": b'[{"orderId": "M1"}, {"orderId"',
    "endless depth": b"[" * 300_000,
    "endless objects": b'[{"a":' * 50_000,
    "endless text": b'["' + b"x" * 300_000,
    "endless number": b"[" + b"1" * 300_000,
    "single quotes": b"[{'orderId': 'M1'}]",
    "comment": b'[/* none */{"orderId": "M1"}]',
    "trailing comma": b'[{"orderId": "M1"},]',
    "raw line break in a text": b'[{"orderId": "M\n1"}]',
    "unknown escape": b'[{"orderId": "\\x41"}]',
    "leading zeros": b'[{"orderId": "M1", "grandTotal": 007}]',
}
"""Files that are refused whole, because nobody can say where one order ends and the next begins."""

_GOOD = b'"success": true, "invoiceNo": "F-1", "orderNo": "20417", "total": 78.30'
ANSWERS: dict[str, tuple[bytes, str]] = {
    "good": (b"{" + _GOOD + b"}", "CONFIRMED"),
    "good, with a byte order mark": (b"\xef\xbb\xbf{" + _GOOD + b"}", "CONFIRMED"),
    "good, with a reference of 10 kB": (
        b"{" + _GOOD.replace(b"F-1", b"F" * 10_240) + b"}",
        "CONFIRMED",
    ),
    "good, with a reference that is half a character": (
        b"{" + _GOOD.replace(b"F-1", b"\\ud800\\u0000\\r\\n") + b"}",
        "CONFIRMED",
    ),
    "refused": (b'{"success": false, "message": "no"}', "REJECTED"),
    "refused, in a message of 500 kB": (
        b'{"success": false, "message": "' + b"x " * 250_000 + b'"}',
        "REJECTED",
    ),
    "refused, with a header in the message": (
        b'{"success": false, "message": "a\\r\\nBcc: evil@evil.example"}',
        "REJECTED",
    ),
    "refused, with markup in the message": (
        b'{"success": false, "message": "<script>alert(1)</script>"}',
        "REJECTED",
    ),
    "refused, with half a character in the message": (
        b'{"success": false, "message": "\\ud800\\u0000=1+1"}',
        "REJECTED",
    ),
    **{
        name: (body, "UNKNOWN")
        for name, body in {
            **{name: data for name, data in FILES.items() if len(data) < 1_000_000},
            "null": b"null",
            "not a number": b"NaN",
            "5,000 deep": b"[" * 5_000 + b"]" * 5_000,
            "said twice": b"{" + _GOOD + b', "success": true}',
            "ordered twice": b"{" + _GOOD + b', "orderNo": "20417"}',
            "totalled twice": b"{" + _GOOD + b', "total": 78.30}',
            "one for true": b"{" + _GOOD.replace(b"true", b"1") + b"}",
            "True": b"{" + _GOOD.replace(b"true", b"True") + b"}",
            "another total": b"{" + _GOOD.replace(b"78.30", b"78.31") + b"}",
            "a total with an exponent": b"{" + _GOOD.replace(b"78.30", b"7.83e1") + b"}",
            "a total that is nearly it": b"{"
            + _GOOD.replace(b"78.30", b"78.30000000000001")
            + b"}",
            "a total in full-width digits": b"{"
            + _GOOD.replace(b"78.30", '"７８.３０"'.encode())  # noqa: RUF001
            + b"}",
            "a number bomb": b"{" + _GOOD.replace(b"78.30", b"9" * 500_000) + b"}",
            "another order": b"{" + _GOOD.replace(b"20417", b"20418") + b"}",
            "the order with a space": b"{" + _GOOD.replace(b"20417", b"20417 ") + b"}",
            "the order as another number": b"{" + _GOOD.replace(b'"20417"', b"20417.5") + b"}",
            "the order in full-width digits": b"{"
            + _GOOD.replace(b"20417", "２０４１７".encode())  # noqa: RUF001
            + b"}",
            "no order": b"{" + _GOOD.replace(b'"20417"', b"null") + b"}",
            "in a list": b"[{" + _GOOD + b"}]",
        }.items()
    },
}
"""Body of an answer to order 20417 of 78.30 in a status 200 at a first attempt, and what it proves."""

RETRY_AFTER = [
    *("", " ", "0", "0\x1f", "-1", "+5", "5.5", "5 ", "1e3", "NaN", "inf", "9" * 5_000, "１２", "²", "٣"),  # noqa: RUF001
    *("Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"),
    *("Fri, 31 Dec 9999 23:59:59 -2359", "1 Jan 1 00:00:00 +2359", "1 Jan 0 00:00:00", "1 Jan 99999 00:00:00"),
    *("Mon, 20 Nov 1995 19:12:08 +99999999999999", "Mon, 20 Nov 1995 19:12:08 -9999", "20 Nov 1995 99:99:99"),
    *("31 Feb 2026 00:00:00 GMT", ",", ", ,", "a, b, c", "(", "20 Nov", "1" * 30 + " Nov 2026 1:1:1"),
]  # fmt: skip
"""Retry-After headers."""
