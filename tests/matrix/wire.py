"""Many requests at once: pipelined, over few connections."""

import concurrent.futures

from harness import raw

BATCH = 25
CONNECTIONS = 4


def render(server, method, target, headers=(), body=""):
    """One request as it goes over the wire."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {server.address}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines) + "\r\n\r\n" + body


def answers_to(server, requests):
    """In the order of the requests. They may be sent twice where the server closes a connection."""
    size = max(BATCH, len(requests) // CONNECTIONS + 1)
    parts = [requests[start : start + size] for start in range(0, len(requests), size)]
    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        return [answer for part in pool.map(lambda part: _in_a_row(server, part), parts) for answer in part]


def _in_a_row(server, requests):
    answers, connection = [], None
    try:
        while len(answers) < len(requests):
            fresh = connection is None
            connection = connection or raw.Connection(server)
            answered = len(answers)
            batch = requests[answered : answered + BATCH]
            try:
                connection.send("".join(batch))
                for request in batch:
                    answers.append(connection.read_response(head=request.startswith("HEAD")))
            except ConnectionError:
                # Closed after an answer: go on behind it. A request that gets none is not tried for ever.
                connection.close()
                connection = None
                assert len(answers) > answered or not fresh, f"closed without an answer to {batch[0][:200]}"
    finally:
        if connection:
            connection.close()
    return answers
