"""An OpenID provider for people, in this process: whoever comes to it is logged in as `person` and sent back.

Holds its client to RFC 6749 and RFC 7636 (S256, and how clients authenticate: `methods`), issues ID tokens signed with
RS256 and rotates refresh tokens. What providers rightly differ in has a member of its own; `mischief` changes what it does
wrong.
"""

import base64
import hashlib
import http.server
import json
import random
import secrets
import threading
import time
import urllib.parse

DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")  # SHA-256, RFC 8017 section 9.2


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _is_prime(number):
    if any(number % small == 0 for small in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(20):
        power = pow(random.randrange(2, number - 1), odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True


def _prime(bits):
    while True:
        number = secrets.randbits(bits) | (3 << (bits - 2)) | 1
        if number % 65537 != 1 and _is_prime(number):
            return number


class Key:
    """An RSA key that signs as RS256 does."""

    def __init__(self, key_id):
        p, q = _prime(1024), _prime(1024)
        self.key_id = key_id
        self.modulus = p * q
        self.secret = pow(65537, -1, (p - 1) * (q - 1))

    def jwk(self):
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.key_id,
            "n": b64url(self.modulus.to_bytes(256, "big")),
            "e": "AQAB",
        }

    def mint(self, claims, **header):
        head = {"alg": "RS256", "typ": "JWT", "kid": self.key_id, **header}
        parts = [{name: value for name, value in head.items() if value is not None}, claims]
        signed = ".".join(b64url(json.dumps(part).encode()) for part in parts)
        block = DIGEST_INFO + hashlib.sha256(signed.encode()).digest()
        padded = b"\x00\x01" + b"\xff" * (256 - len(block) - 3) + b"\x00" + block
        signature = pow(int.from_bytes(padded, "big"), self.secret, self.modulus).to_bytes(256, "big")
        return f"{signed}.{b64url(signature)}"


class Provider:
    def __init__(self, client_id="bulkhead", secret="a secret: +&%"):
        self.client_id, self.secret = client_id, secret
        self.key = Key("key-1")
        self.person = {}
        self.mischief = {}  # "error": answers so; "claims", "answer": members to change; "mint": in place of its key's
        self.methods = ["client_secret_basic"]  # of authenticating at the token endpoint, as discovery names them
        self.names_itself = True  # in authorization responses (RFC 9207)
        self.published = None  # the keys, where they are others than its own one
        self.in_id_token = None  # the person's claims that are there; the rest is at the userinfo endpoint alone
        self.userinfo = None  # what that endpoint says in place of the person's claims: a dict, or a status
        self.access_tokens = {}
        self.forms = []  # that the token endpoint was sent
        self.codes, self.refresh_tokens = {}, {}
        self.requests = []
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                provider._get(self)

            def do_POST(self):
                provider._post(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def _send(self, handler, status, body=b"", **headers):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _json(self, handler, status, value):
        self._send(handler, status, json.dumps(value).encode(), Content_Type="application/json")

    def _get(self, handler):
        path, _, query = handler.path.partition("?")
        self.requests.append(path)
        if path == "/.well-known/openid-configuration":
            return self._json(
                handler,
                200,
                {
                    "issuer": self.url,
                    "authorization_endpoint": self.url + "/authorize",
                    "token_endpoint": self.url + "/token",
                    "token_endpoint_auth_methods_supported": self.methods,
                    "userinfo_endpoint": self.url + "/userinfo",
                    "jwks_uri": self.url + "/keys",
                    "authorization_response_iss_parameter_supported": self.names_itself,
                },
            )
        if path == "/keys":
            return self._json(handler, 200, {"keys": self.published or [self.key.jwk()]})
        if path == "/userinfo":
            return self._tell(handler)
        if path != "/authorize":
            return self._send(handler, 404)
        asked = dict(urllib.parse.parse_qsl(query))
        assert asked["response_type"] == "code" and asked["client_id"] == self.client_id, asked
        assert asked["code_challenge_method"] == "S256" and "openid" in asked["scope"].split(), asked
        answer = {"state": asked["state"]}
        if self.names_itself:
            answer["iss"] = self.mischief.get("iss", self.url)
        if "error" in self.mischief:
            answer["error"] = self.mischief["error"]
        else:
            answer["code"] = "a+b/%" + secrets.token_urlsafe(20)
            self.codes[answer["code"]] = (asked, dict(self.person))
        return self._send(handler, 302, Location=f"{asked['redirect_uri']}?{urllib.parse.urlencode(answer)}")

    def _post(self, handler):
        self.requests.append(handler.path)
        form = dict(urllib.parse.parse_qsl(handler.rfile.read(int(handler.headers["Content-Length"])).decode()))
        self.forms.append(form)
        if not self._is_client(handler.headers["Authorization"], form):
            return self._json(handler, 401, {"error": "invalid_client"})
        if "token" in self.mischief:
            return self._send(handler, self.mischief["token"], b"{}")
        if form["grant_type"] == "refresh_token":
            person = self.refresh_tokens.pop(form["refresh_token"], None)
            return self._issue(handler, person and {**person, **self.person}, None)
        asked, person = self.codes.pop(form["code"], (None, None))
        challenge = b64url(hashlib.sha256(form["code_verifier"].encode()).digest())
        if asked is None or challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return self._json(handler, 400, {"error": "invalid_grant"})
        return self._issue(handler, person, asked["nonce"])

    def _is_client(self, header, form):
        """Exactly one way of those in `methods` (RFC 6749 section 2.3)."""
        if header is None:
            return "client_secret_post" in self.methods and (form.get("client_id"), form.get("client_secret")) == (
                self.client_id,
                self.secret,
            )
        pair = f"{urllib.parse.quote(self.client_id, safe='')}:{urllib.parse.quote(self.secret, safe='')}"
        basic = "Basic " + base64.b64encode(pair.encode()).decode()
        return "client_secret_basic" in self.methods and header == basic and "client_secret" not in form

    def _tell(self, handler):
        """OpenID Connect Core section 5.3."""
        scheme, _, token = (handler.headers["Authorization"] or "").partition(" ")
        person = self.access_tokens.get(token) if scheme == "Bearer" else None
        if person is None:
            return self._json(handler, 401, {"error": "invalid_token"})
        if isinstance(self.userinfo, int):
            return self._send(handler, self.userinfo)
        return self._json(handler, 200, person if self.userinfo is None else self.userinfo)

    def _issue(self, handler, person, nonce):
        if person is None:
            return self._json(handler, 400, {"error": "invalid_grant"})
        now, access, refresh = int(time.time()), secrets.token_urlsafe(20), secrets.token_urlsafe(20)
        half = hashlib.sha256(access.encode()).digest()[:16]
        self.access_tokens[access] = person
        told = {name: value for name, value in person.items() if self.in_id_token is None or name in self.in_id_token}
        claims = {"iss": self.url, "aud": self.client_id, "iat": now, "exp": now + 300, "at_hash": b64url(half), **told}
        if nonce is not None:
            claims["nonce"] = nonce
        claims |= self.mischief.get("claims", {})
        self.refresh_tokens[refresh] = person
        token = self.mischief.get("mint", self.key.mint)(claims)
        answer = {"access_token": access, "token_type": "Bearer", "id_token": token, "refresh_token": refresh}
        answer |= self.mischief.get("answer", {})
        return self._json(handler, 200, {name: value for name, value in answer.items() if value is not None})


class Browser:
    """Follows redirects and keeps cookies, `Secure` ones for the loopback address too, as browsers do."""

    def __init__(self, session):
        self.session = session
        self.cookies = {}  # of the registry alone; the provider sets none

    def send(self, method, url, headers=None, **options):
        sent = dict(headers or {})
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.session.request(method, url, headers=sent, allow_redirects=False, timeout=240, **options)
        for line in answer.raw.headers.getlist("Set-Cookie"):
            assert "; Secure; HttpOnly; SameSite=" in line and "Path=/" in line and "Domain" not in line, line
            name, _, value = line.partition(";")[0].partition("=")
            if "Max-Age=0" in line:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer

    def get(self, url, **options):
        return self.send("GET", url, **options)

    def follow(self, url):
        """As far as it goes."""
        for _ in range(5):
            answer = self.get(url)
            if answer.status_code != 302:
                return answer
            url = answer.headers["Location"]
        raise AssertionError(f"redirected without end: {url}")
