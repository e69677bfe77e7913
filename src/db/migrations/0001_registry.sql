-- {{id}} is the engine's own never-reused integer key; {{bytewise}} makes text compare as bytes on both engines.
-- Times are microseconds since 1970 UTC. Nothing here lets a thief log in: see docs/formats/database.md.

CREATE TABLE accounts (
  id {{id}},
  name TEXT {{bytewise}} NOT NULL UNIQUE,
  state TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
  administrator BIGINT NOT NULL DEFAULT 0 CHECK (administrator IN (0, 1)),
  password_hash TEXT NOT NULL,
  -- Raised by whatever must end the account's bearer tokens: a new password, a disabling.
  credential_version BIGINT NOT NULL DEFAULT 1,
  created_at BIGINT NOT NULL
);

-- The namespace '' is the installation's own: the one-component official images.
CREATE TABLE namespaces (
  id {{id}},
  name TEXT {{bytewise}} NOT NULL UNIQUE,
  owner_id BIGINT REFERENCES accounts (id),
  quota_bytes BIGINT CHECK (quota_bytes >= 0),
  used_bytes BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL
);
CREATE INDEX namespaces_by_owner ON namespaces (owner_id);
INSERT INTO namespaces (name, created_at) VALUES ('', 0);

CREATE TABLE repositories (
  id {{id}},
  namespace_id BIGINT NOT NULL REFERENCES namespaces (id),
  name TEXT {{bytewise}} NOT NULL UNIQUE,
  visibility TEXT NOT NULL CHECK (visibility IN ('private', 'public')),
  -- Tags that match this pattern ('*' stands for any run of characters) never move or go; '' protects none.
  immutable_tags TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL
);
CREATE INDEX repositories_by_namespace ON repositories (namespace_id, name);
CREATE INDEX repositories_public ON repositories (name) WHERE visibility = 'public';

CREATE TABLE namespace_grants (
  namespace_id BIGINT NOT NULL REFERENCES namespaces (id),
  account_id BIGINT NOT NULL REFERENCES accounts (id),
  role TEXT NOT NULL CHECK (role IN ('reader', 'writer', 'maintainer')),
  PRIMARY KEY (namespace_id, account_id)
);
CREATE INDEX namespace_grants_by_account ON namespace_grants (account_id);

CREATE TABLE repository_grants (
  repository_id BIGINT NOT NULL REFERENCES repositories (id),
  account_id BIGINT NOT NULL REFERENCES accounts (id),
  role TEXT NOT NULL CHECK (role IN ('reader', 'writer', 'maintainer')),
  PRIMARY KEY (repository_id, account_id)
);
CREATE INDEX repository_grants_by_account ON repository_grants (account_id);

-- Every object in the blob store, manifests included.
CREATE TABLE blobs (
  digest TEXT {{bytewise}} PRIMARY KEY,
  size BIGINT NOT NULL CHECK (size >= 0),
  created_at BIGINT NOT NULL
);

-- What makes a blob exist for a repository's readers.
CREATE TABLE repository_blobs (
  repository_id BIGINT NOT NULL REFERENCES repositories (id),
  digest TEXT {{bytewise}} NOT NULL REFERENCES blobs (digest),
  created_at BIGINT NOT NULL,
  PRIMARY KEY (repository_id, digest)
);
CREATE INDEX repository_blobs_by_digest ON repository_blobs (digest);

-- The bytes are in the blob store under the digest; annotations is a JSON object of the manifest's own, for referrers.
CREATE TABLE manifests (
  repository_id BIGINT NOT NULL REFERENCES repositories (id),
  digest TEXT {{bytewise}} NOT NULL REFERENCES blobs (digest),
  size BIGINT NOT NULL,
  media_type TEXT NOT NULL,
  artifact_type TEXT NOT NULL,
  subject TEXT {{bytewise}},
  annotations TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (repository_id, digest)
);
CREATE INDEX manifests_by_subject ON manifests (repository_id, subject, digest) WHERE subject IS NOT NULL;
CREATE INDEX manifests_by_digest ON manifests (digest);

CREATE TABLE tags (
  repository_id BIGINT NOT NULL,
  name TEXT {{bytewise}} NOT NULL,
  digest TEXT {{bytewise}} NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (repository_id, name),
  FOREIGN KEY (repository_id, digest) REFERENCES manifests (repository_id, digest)
);
CREATE INDEX tags_by_digest ON tags (repository_id, digest);

-- The transactional outbox: every change's evidence, written in the change's own transaction.
CREATE TABLE events (
  id {{id}},
  at BIGINT NOT NULL,
  action TEXT NOT NULL,
  account TEXT NOT NULL,
  credential TEXT NOT NULL,
  repository TEXT {{bytewise}} NOT NULL,
  target TEXT NOT NULL,
  old_digest TEXT NOT NULL,
  new_digest TEXT NOT NULL,
  address TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  request_id TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX events_by_account ON events (account, id);
CREATE INDEX events_by_repository ON events (repository, id);
CREATE INDEX events_by_new_digest ON events (new_digest, id) WHERE new_digest <> '';
CREATE INDEX events_by_old_digest ON events (old_digest, id) WHERE old_digest <> '';
CREATE INDEX events_by_target ON events (target, id) WHERE target <> '';
CREATE INDEX events_by_address ON events (address, id);
CREATE INDEX events_by_time ON events (at);

-- The one-time token of the first start; the keyed hash only.
CREATE TABLE setup_token (
  id BIGINT PRIMARY KEY CHECK (id = 1),
  hash TEXT NOT NULL,
  expires_at BIGINT NOT NULL
);
