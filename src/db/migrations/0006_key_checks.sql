-- Whether a database belongs to the keyring and the files that it is started with, told before anything is made.

-- One row once an installation has begun to use the database.
CREATE TABLE installation (
  id BIGINT PRIMARY KEY CHECK (id = 1),
  begun_at BIGINT NOT NULL
);

-- A database of an earlier program was used if it has a data key: each start made one.
INSERT INTO installation (id, begun_at)
  SELECT 1, MIN(created_at) FROM data_keys HAVING COUNT(*) > 0;

-- By which each version of each key is recognised again: an HMAC under it, which tells nothing of the key.
CREATE TABLE key_checks (
  purpose TEXT {{bytewise}} NOT NULL,
  version BIGINT NOT NULL,
  check_value TEXT {{bytewise}} NOT NULL,
  recorded_at BIGINT NOT NULL,
  PRIMARY KEY (purpose, version)
);
