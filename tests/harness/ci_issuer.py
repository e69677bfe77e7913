"""An OpenID issuer as a CI has one: discovery, one Ed25519 key, and tokens for its jobs."""

import base64
import ctypes
import ctypes.util
import http.server
import json
import threading
import time
import uuid

_sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
_sodium.sodium_init()


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class CiIssuer:
    """Serves on a port of its own until close(). A server reaches it with `settings`."""

    settings = {"outbound.networks": "127.0.0.0/8", "outbound.plain_hosts": "127.0.0.1"}

    def __init__(self):
        public, self._secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(64)
        _sodium.crypto_sign_keypair(public, self._secret)
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps(issuer.documents.get(self.path, {})).encode()
                self.send_response(200 if self.path in issuer.documents else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        key = {"kty": "OKP", "crv": "Ed25519", "kid": "1", "alg": "EdDSA", "use": "sig", "x": b64url(public.raw)}
        self.documents = {
            "/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": self.url + "/keys"},
            "/keys": {"keys": [key]},
        }
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def token(self, audience, **claims):
        """What a job is given: good once, for five minutes."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": audience, "iat": now, "nbf": now, "exp": now + 300, **claims}
        claims.setdefault("sub", "job")
        claims.setdefault("jti", uuid.uuid4().hex)
        parts = ({"typ": "JWT", "alg": "EdDSA", "kid": "1"}, claims)
        text = ".".join(b64url(json.dumps(part).encode()) for part in parts)
        signature = ctypes.create_string_buffer(64)
        _sodium.crypto_sign_detached(signature, None, text.encode(), ctypes.c_ulonglong(len(text)), self._secret)
        return f"{text}.{b64url(signature.raw)}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
