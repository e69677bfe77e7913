-- The networks that accounts have lately logged in from with a password: guesses from elsewhere do not close an
-- account there, and that has to outlast the process.
CREATE TABLE login_networks (
  -- The account's name, or that of a directory and the person's there, as guesses at it are counted.
  subject TEXT {{bytewise}} NOT NULL,
  account_id BIGINT NOT NULL REFERENCES accounts (id),
  -- In hex; an IPv4 /24 or an IPv6 /64.
  network TEXT {{bytewise}} NOT NULL,
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (subject, network)
);
CREATE INDEX login_networks_by_account ON login_networks (account_id);
CREATE INDEX login_networks_by_time ON login_networks (seen_at);
