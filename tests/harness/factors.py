"""Second factors of a management client's account."""

import base64
import time

from breach.crypto import one_time_code
from harness.management import path


def enrol(client):
    """An authenticator app, in the client's session; its seed."""
    factors = path("users", client.user.name, "factors")
    shown = client.post(factors + "/totp").json()["secret"]
    seed = base64.b32decode(shown + "=" * (-len(shown) % 8))
    done = client.post(factors + "/totp/confirmation", {"code": one_time_code(seed, time.time())})
    assert done.status_code == 204, done.text
    return seed
