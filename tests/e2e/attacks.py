"""Requests that must not get through, by name. Framing: RFC 9112; each was a hole in some proxy."""

S3 = "s3.us-east-1.amazonaws.com"
HOST = f"Host: {S3}\r\n"
REFUSED = {400}
# What a smuggler hopes to get through behind a request that two parsers read differently.
SMUGGLED = "GET /smuggled HTTP/1.1\r\n" + HOST + "\r\n"


def post(headers, body="", version="HTTP/1.1"):
    return f"POST /b/k {version}\r\n{HOST}{headers}\r\n{body}"


def get(headers="", target="/b/k", line=None, host=HOST):
    return f"{line or f'GET {target} HTTP/1.1'}\r\n{host}{headers}\r\n"


CHUNKED = "Transfer-Encoding: chunked\r\n"
HELLO = "5\r\nhello\r\n0\r\n\r\n"

FRAMING = {
    "length and chunked": post("Content-Length: 5\r\n" + CHUNKED, HELLO),
    "chunked and length": post(CHUNKED + "Content-Length: 5\r\n", HELLO),
    "chunked and length 0": post(CHUNKED + "Content-Length: 0\r\n", HELLO),
    "two lengths": post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"),
    "the same length twice": post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
    "two lengths in one field": post("Content-Length: 5, 6\r\n", "hello!"),
    "the same length twice in one field": post("Content-Length: 5, 5\r\n", "hello"),
    "a length with plus": post("Content-Length: +5\r\n", "hello"),
    "a negative length": post("Content-Length: -1\r\n", "hello"),
    "a hexadecimal length": post("Content-Length: 0x5\r\n", "hello"),
    "an empty length": post("Content-Length:\r\n", "hello"),
    "a length of blanks": post("Content-Length:   \r\n", "hello"),
    "a length in exponents": post("Content-Length: 1e1\r\n", "hello"),
    "a length with an underscore": post("Content-Length: 1_0\r\n", "hello"),
    "a length with inner blank": post("Content-Length: 5 5\r\n", "hello"),
    "a length beyond 64 bit": post("Content-Length: 18446744073709551621\r\n", "hello"),
    "a length of forty digits": post("Content-Length: " + "9" * 40 + "\r\n", "hello"),
    "a quoted length": post('Content-Length: "5"\r\n', "hello"),
    "a length with NUL": post("Content-Length: 5\0\r\n", "hello"),
    "chunked twice": post("Transfer-Encoding: chunked, chunked\r\n", HELLO),
    "chunked in two fields": post(CHUNKED + CHUNKED, HELLO),
    "chunked, then identity": post(CHUNKED + "Transfer-Encoding: identity\r\n", HELLO),
    "an empty coding": post("Transfer-Encoding:\r\n", HELLO),
    "chunked in HTTP/1.0": post(CHUNKED, HELLO, "HTTP/1.0"),
    "chunk size with prefix": post(CHUNKED, "0x5\r\nhello\r\n0\r\n\r\n"),
    "chunk size with sign": post(CHUNKED, "+5\r\nhello\r\n0\r\n\r\n"),
    "negative chunk size": post(CHUNKED, "-5\r\nhello\r\n0\r\n\r\n"),
    "empty chunk size": post(CHUNKED, "\r\nhello\r\n0\r\n\r\n"),
    "chunk size with blank before": post(CHUNKED, " 5\r\nhello\r\n0\r\n\r\n"),
    "chunk size beyond 64 bit": post(CHUNKED, "10000000000000005\r\nhello\r\n0\r\n\r\n"),
    "chunk size of 16 digits": post(CHUNKED, "0000000000000005\r\nhello\r\n0\r\n\r\n"),
    "chunk size that is no number": post(CHUNKED, "five\r\nhello\r\n0\r\n\r\n"),
    "chunk line with LF alone": post(CHUNKED, "5\nhello\r\n0\r\n\r\n"),
    "chunk line with CR alone": post(CHUNKED, "5\rXhello\r\n0\r\n\r\n"),
    "chunk data with LF alone": post(CHUNKED, "5\r\nhello\n0\r\n\r\n"),
    "chunk longer than its size": post(CHUNKED, "5\r\nhello!!\r\n0\r\n\r\n"),
    "chunk extension with LF": post(CHUNKED, "5;a\nb\r\nhello\r\n0\r\n\r\n"),
    "chunk extension with CR": post(CHUNKED, "5;a\rb\r\nhello\r\n0\r\n\r\n"),
    "chunk extension with NUL": post(CHUNKED, "5;a\0b\r\nhello\r\n0\r\n\r\n"),
    "a trailer with a bad name": post(CHUNKED, "5\r\nhello\r\n0\r\nbad name: x\r\n\r\n"),
    "a trailer without colon": post(CHUNKED, "5\r\nhello\r\n0\r\nnothing\r\n\r\n"),
    "a trailer with LF alone": post(CHUNKED, "5\r\nhello\r\n0\r\na: b\n\r\n"),
}

CODINGS = {name: post(f"Transfer-Encoding: {name}\r\n", HELLO) for name in (
    "gzip", "gzip, chunked", "chunked, gzip", "xchunked", "chunkedx", "identity", "chunked;q=1", '"chunked"',
    "chunked,", ", chunked", "chunked\x0b", "\x0bchunked", "chunk ed")}

HEADS = {
    "blank before the colon": get("X-A : b\r\n"),
    "tab before the colon": get("X-A\t: b\r\n"),
    "a blank before the first field": f"GET / HTTP/1.1\r\n {HOST}\r\n",
    "a folded field": get("X-A: b\r\n c\r\n"),
    "a field folded with tab": get("X-A: b\r\n\tc\r\n"),
    "an empty name": get(": b\r\n"),
    "no colon": get("nothing\r\n"),
    "NUL in a value": get("X-A: a\0b\r\n"),
    "CR in a value": get("X-A: a\rb\r\n"),
    "LF alone after a field": f"GET / HTTP/1.1\r\n{HOST}X-A: b\n\r\n",
    "LF alone everywhere": f"GET / HTTP/1.1\nHost: {S3}\n\n",
    "LF alone at the end of the head": f"GET / HTTP/1.1\r\nHost: {S3}\r\n\n",
    "a control byte in a value": get("X-A: a\x01b\r\n"),
    "DEL in a value": get("X-A: a\x7fb\r\n"),
    "parentheses in a name": get("X(A): b\r\n"),
    "a high byte in a name": get("X-\xe4: b\r\n"),
    "NUL in a name": get("X\0A: b\r\n"),
    "two blanks in the request line": get(line="GET  /b/k HTTP/1.1"),
    "a tab in the request line": get(line="GET\t/b/k\tHTTP/1.1"),
    "a blank in the target": get(target="/b/k k"),
    "a blank after the version": get(line="GET /b/k HTTP/1.1 "),
    "NUL in the target": get(target="/b\0k"),
    "CR in the target": get(target="/b\rk"),
    "a fragment": get(target="/b/k#f"),
    "a target without slash": get(target="b/k"),
    "a target of stars": get(target="**"),
    "no version": get(line="GET /b/k"),
    "no target": get(line="GET HTTP/1.1"),
    "a version in lower case": get(line="GET /b/k http/1.1"),
    "a method that is no token": get(line="G@T /b/k HTTP/1.1"),
    "an empty method": get(line=" /b/k HTTP/1.1"),
    "another scheme": get(target=f"ftp://{S3}/b/k"),
    "userinfo": get(target=f"http://user:pass@{S3}/b/k"),
    "a backslash in the authority": get(target=f"http://{S3}\\@evil.example/"),
    "an empty authority": get(target="http:///b/k"),
    "a fragment in absolute form": get(target=f"http://{S3}/b#k"),
    "a port beyond 65535": get(target=f"http://{S3}:99999/b/k"),
    "a port of letters": get(target=f"http://{S3}:abc/b/k"),
    "no Host": get(host=""),
    "two Hosts": get(host=HOST + HOST),
    "two Hosts that differ": get(host=HOST + "Host: evil.example\r\n"),
    "Host with userinfo": get(host=f"Host: user@{S3}\r\n"),
    "Host with a path": get(host=f"Host: {S3}/b\r\n"),
    "Host with a blank": get(host=f"Host: {S3} evil.example\r\n"),
    "a list of Hosts": get(host=f"Host: {S3},evil.example\r\n"),
    "Host with a port of letters": get(host=f"Host: {S3}:x\r\n"),
}

BROWSERS = {
    "Origin": "Origin: https://evil.example\r\n",
    "Origin null": "Origin: null\r\n",
    "an empty Origin": "Origin:\r\n",
    "Origin that is the target": f"Origin: http://{S3}\r\n",
    "cross-site": "Sec-Fetch-Site: cross-site\r\n",
    "same-site": "Sec-Fetch-Site: same-site\r\n",
    "same-site in capitals": "SEC-FETCH-SITE: SAME-SITE\r\n",
    "two sites": "Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site\r\n",
    "a preflight": "Origin: https://evil.example\r\nAccess-Control-Request-Method: PUT\r\n"
                   "Access-Control-Request-Private-Network: true\r\n",
}

FOREIGN = [
    "evil.example", "localhost", "amazonaws.com.evil.example", "evilamazonaws.com", "s3.amazonaws.com.evil.example",
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]",
    "169.254.169.254", "0xa9fea9fe", "2852039166", "[fd00:ec2::254]", "[fe80::1%25lo]", "0.0.0.0", "10.0.0.1",
    "ec2-203-0-113-25.compute-1.amazonaws.com", "ec2-203-0-113-25.eu-west-1.compute.amazonaws.com",
    "ip-10-0-0-1.ec2.internal", "my-lb-1234.us-east-1.elb.amazonaws.com", "my-lb.elb.eu-west-1.amazonaws.com",
    "db1.abcdefghijkl.us-east-1.rds.amazonaws.com", "bucket.s3-website-us-east-1.amazonaws.com",
    "bucket.s3-website.eu-central-1.amazonaws.com", "d111111abcdef8.cloudfront.net",
    "app.us-east-1.elasticbeanstalk.com", "no-such-service.us-east-1.amazonaws.com", "amazonaws.com", "com",
    "s3.us-east-1.amazonaws.com.", "xn--s3-example.amazonaws.com",
]
FOREIGN_MAY_PASS = {"s3.us-east-1.amazonaws.com."}    # the same host, once its final dot is taken off

HOP_BY_HOP = ("Connection: close, X-Listed, X-Amz-Date, Host, Authorization, Content-Length, x-amz-content-sha256\r\n"
              "X-Listed: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authorization: Basic c2VjcmV0\r\nProxy-Connection: keep-alive\r\n"
              "Proxy-Foo: bar\r\nTE: trailers\r\nTrailer: x\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n")
