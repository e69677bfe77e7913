-- People, groups, machines and their credentials. Every grant and every token binds to ids, never to names, so that
-- nothing old reaches a new thing of the same name. What a thief could use is either a keyed hash (columns named
-- hash; the key is in the keyring) or sealed (columns named sealed; docs/formats/sealing.md).

ALTER TABLE accounts ADD COLUMN kind TEXT NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'robot'));
ALTER TABLE accounts ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN email_verified BIGINT NOT NULL DEFAULT 0 CHECK (email_verified IN (0, 1));
ALTER TABLE accounts ADD COLUMN system_role TEXT NOT NULL DEFAULT ''
  CHECK (system_role IN ('', 'auditor', 'security_officer', 'administrator'));
UPDATE accounts SET system_role = 'administrator' WHERE administrator = 1;
ALTER TABLE accounts DROP COLUMN administrator;
-- A locked account is one that the system or a security officer has stopped until somebody looks at it.
ALTER TABLE accounts ADD COLUMN status TEXT NOT NULL DEFAULT 'active'
  CHECK (status IN ('active', 'disabled', 'locked'));
UPDATE accounts SET status = state;
ALTER TABLE accounts DROP COLUMN state;
ALTER TABLE accounts RENAME COLUMN status TO state;

CREATE TABLE organizations (
  id {{id}},
  name TEXT {{bytewise}} NOT NULL UNIQUE,
  display_name TEXT NOT NULL,
  -- What every member may do in the organization's repositories.
  member_role TEXT NOT NULL DEFAULT 'none' CHECK (member_role IN ('none', 'reader', 'writer')),
  created_at BIGINT NOT NULL
);
-- A namespace belongs to an account (owner_id) or to an organization.
ALTER TABLE namespaces ADD COLUMN organization_id BIGINT REFERENCES organizations (id);
CREATE INDEX namespaces_by_organization ON namespaces (organization_id);

-- A member who is there because a directory put them into a team (sso) goes with the last of those teams.
CREATE TABLE organization_members (
  organization_id BIGINT NOT NULL REFERENCES organizations (id),
  account_id BIGINT NOT NULL REFERENCES accounts (id),
  role TEXT NOT NULL CHECK (role IN ('owner', 'member')),
  source TEXT NOT NULL DEFAULT 'direct' CHECK (source IN ('direct', 'sso')),
  PRIMARY KEY (organization_id, account_id)
);
CREATE INDEX organization_members_by_account ON organization_members (account_id);

-- A team has what its parent has, and more.
CREATE TABLE teams (
  id {{id}},
  organization_id BIGINT NOT NULL REFERENCES organizations (id),
  parent_id BIGINT REFERENCES teams (id),
  name TEXT {{bytewise}} NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (organization_id, name)
);
CREATE INDEX teams_by_parent ON teams (parent_id);

-- Memberships that a directory gave (sso) come and go with it; direct ones stay.
CREATE TABLE team_members (
  team_id BIGINT NOT NULL REFERENCES teams (id),
  account_id BIGINT NOT NULL REFERENCES accounts (id),
  source TEXT NOT NULL CHECK (source IN ('direct', 'sso')),
  PRIMARY KEY (team_id, account_id, source)
);
CREATE INDEX team_members_by_account ON team_members (account_id);

CREATE TABLE team_namespace_grants (
  team_id BIGINT NOT NULL REFERENCES teams (id),
  namespace_id BIGINT NOT NULL REFERENCES namespaces (id),
  role TEXT NOT NULL CHECK (role IN ('reader', 'writer', 'maintainer')),
  PRIMARY KEY (team_id, namespace_id)
);
CREATE INDEX team_namespace_grants_by_namespace ON team_namespace_grants (namespace_id);

CREATE TABLE team_repository_grants (
  team_id BIGINT NOT NULL REFERENCES teams (id),
  repository_id BIGINT NOT NULL REFERENCES repositories (id),
  role TEXT NOT NULL CHECK (role IN ('reader', 'writer', 'maintainer')),
  PRIMARY KEY (team_id, repository_id)
);
CREATE INDEX team_repository_grants_by_repository ON team_repository_grants (repository_id);

-- A robot is an account without a password; its name is ORGANIZATION+NAME, which no person can have.
CREATE TABLE robots (
  account_id BIGINT PRIMARY KEY REFERENCES accounts (id),
  organization_id BIGINT REFERENCES organizations (id),
  repository_id BIGINT REFERENCES repositories (id),
  description TEXT NOT NULL,
  created_by BIGINT REFERENCES accounts (id),
  CHECK ((organization_id IS NULL) <> (repository_id IS NULL))
);
CREATE INDEX robots_by_organization ON robots (organization_id);
CREATE INDEX robots_by_repository ON robots (repository_id);

CREATE TABLE invitations (
  id {{id}},
  organization_id BIGINT NOT NULL REFERENCES organizations (id),
  team_id BIGINT REFERENCES teams (id),
  account_id BIGINT REFERENCES accounts (id),
  email TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('owner', 'member')),
  hash TEXT {{bytewise}} NOT NULL UNIQUE,
  invited_by BIGINT NOT NULL REFERENCES accounts (id),
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX invitations_by_organization ON invitations (organization_id);
CREATE INDEX invitations_by_account ON invitations (account_id);

-- Who answers for a repository, and who mends it. One who was appointed owns it until somebody else is; one who is
-- owner for having pushed it first owns it as long as something else gives them a role there.
ALTER TABLE repositories ADD COLUMN owner_id BIGINT REFERENCES accounts (id);
ALTER TABLE repositories ADD COLUMN owner_appointed BIGINT NOT NULL DEFAULT 0 CHECK (owner_appointed IN (0, 1));
ALTER TABLE repositories ADD COLUMN contact TEXT NOT NULL DEFAULT '';
-- Tags that match this pattern are moved and deleted by maintainers only.
ALTER TABLE repositories ADD COLUMN protected_tags TEXT NOT NULL DEFAULT '';
UPDATE repositories SET owner_id = (SELECT owner_id FROM namespaces n WHERE n.id = namespace_id);
UPDATE repositories SET owner_id = (SELECT MIN(id) FROM accounts WHERE system_role = 'administrator')
  WHERE owner_id IS NULL;
UPDATE repositories SET contact = COALESCE((SELECT name FROM accounts a WHERE a.id = owner_id), '');
CREATE INDEX repositories_by_owner ON repositories (owner_id);

-- Personal access tokens, and those of robots.
CREATE TABLE access_tokens (
  id {{id}},
  account_id BIGINT NOT NULL REFERENCES accounts (id),
  name TEXT NOT NULL,
  hash TEXT {{bytewise}} NOT NULL UNIQUE,
  -- What the token may do in /api/v1.
  management TEXT NOT NULL DEFAULT 'none' CHECK (management IN ('none', 'read', 'write')),
  -- Networks it may be used from, in CIDR notation with spaces between; '' for anywhere.
  networks TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  created_by BIGINT REFERENCES accounts (id),
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT,
  -- The token that this one was rotated into; it may be used until the overlap ends.
  successor_id BIGINT REFERENCES access_tokens (id),
  last_used_at BIGINT,
  last_used_address TEXT NOT NULL DEFAULT '',
  last_used_client TEXT NOT NULL DEFAULT ''
);
CREATE INDEX access_tokens_by_account ON access_tokens (account_id, id);
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at);
CREATE INDEX access_tokens_by_successor ON access_tokens (successor_id) WHERE successor_id IS NOT NULL;

-- A token without a row may pull and push nothing. Neither repository nor namespace: all that the account may reach.
CREATE TABLE access_token_scopes (
  token_id BIGINT NOT NULL REFERENCES access_tokens (id),
  position BIGINT NOT NULL,
  repository_id BIGINT REFERENCES repositories (id),
  namespace_id BIGINT REFERENCES namespaces (id),
  actions TEXT NOT NULL,
  PRIMARY KEY (token_id, position),
  CHECK (repository_id IS NULL OR namespace_id IS NULL)
);
CREATE INDEX access_token_scopes_by_repository ON access_token_scopes (repository_id) WHERE repository_id IS NOT NULL;
CREATE INDEX access_token_scopes_by_namespace ON access_token_scopes (namespace_id) WHERE namespace_id IS NOT NULL;

-- Log-ins to /api/v1 by people.
CREATE TABLE sessions (
  id {{id}},
  account_id BIGINT NOT NULL REFERENCES accounts (id),
  hash TEXT {{bytewise}} NOT NULL UNIQUE,
  client TEXT NOT NULL,
  address TEXT NOT NULL,
  credential_version BIGINT NOT NULL,
  multi_factor BIGINT NOT NULL CHECK (multi_factor IN (0, 1)),
  created_at BIGINT NOT NULL,
  -- When the person last proved who they are; what creates credentials asks for a recent proof.
  proved_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- organization_id 0 is the whole installation; an organization's own policy can only be stricter.
CREATE TABLE policies (
  organization_id BIGINT PRIMARY KEY,
  mfa_required BIGINT NOT NULL DEFAULT 0 CHECK (mfa_required IN (0, 1)),
  token_seconds BIGINT NOT NULL DEFAULT 7776000 CHECK (token_seconds > 0),
  networks TEXT NOT NULL DEFAULT '',
  password_login BIGINT NOT NULL DEFAULT 1 CHECK (password_login IN (0, 1))
);

CREATE TABLE totp (
  account_id BIGINT PRIMARY KEY REFERENCES accounts (id),
  sealed TEXT NOT NULL,
  confirmed_at BIGINT,
  -- The newest time step whose code was used; a code is used once.
  last_step BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE recovery_codes (
  account_id BIGINT NOT NULL REFERENCES accounts (id),
  hash TEXT {{bytewise}} NOT NULL,
  used_at BIGINT,
  PRIMARY KEY (account_id, hash)
);

CREATE TABLE webauthn_credentials (
  id {{id}},
  account_id BIGINT NOT NULL REFERENCES accounts (id),
  name TEXT NOT NULL,
  -- base64url, as are the key (COSE_Key) and the AAGUID.
  credential_id TEXT {{bytewise}} NOT NULL UNIQUE,
  public_key TEXT NOT NULL,
  aaguid TEXT NOT NULL,
  sign_count BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  last_used_at BIGINT
);
CREATE INDEX webauthn_credentials_by_account ON webauthn_credentials (account_id);

CREATE TABLE webauthn_challenges (
  hash TEXT {{bytewise}} PRIMARY KEY,
  account_id BIGINT NOT NULL REFERENCES accounts (id),
  purpose TEXT NOT NULL CHECK (purpose IN ('registration', 'assertion')),
  expires_at BIGINT NOT NULL
);
CREATE INDEX webauthn_challenges_by_expiry ON webauthn_challenges (expires_at);
CREATE INDEX webauthn_challenges_by_account ON webauthn_challenges (account_id);

-- Which tokens of which issuer may act as a robot, and as how much of it.
CREATE TABLE workload_trusts (
  id {{id}},
  robot_id BIGINT NOT NULL REFERENCES accounts (id),
  name TEXT NOT NULL,
  issuer TEXT {{bytewise}} NOT NULL,
  audience TEXT NOT NULL,
  -- A JSON object: claim to the value, or the pattern, that it must have.
  claims TEXT NOT NULL,
  lifetime_seconds BIGINT NOT NULL CHECK (lifetime_seconds BETWEEN 60 AND 900),
  created_at BIGINT NOT NULL
);
CREATE INDEX workload_trusts_by_issuer ON workload_trusts (issuer);
CREATE INDEX workload_trusts_by_robot ON workload_trusts (robot_id);

CREATE TABLE workload_trust_scopes (
  trust_id BIGINT NOT NULL REFERENCES workload_trusts (id),
  position BIGINT NOT NULL,
  repository_id BIGINT REFERENCES repositories (id),
  namespace_id BIGINT REFERENCES namespaces (id),
  actions TEXT NOT NULL,
  PRIMARY KEY (trust_id, position),
  CHECK (repository_id IS NULL OR namespace_id IS NULL)
);

CREATE INDEX workload_trust_scopes_by_repository ON workload_trust_scopes (repository_id)
  WHERE repository_id IS NOT NULL;
CREATE INDEX workload_trust_scopes_by_namespace ON workload_trust_scopes (namespace_id) WHERE namespace_id IS NOT NULL;

-- Tokens that were exchanged once, by a hash of their jti or of themselves; kept for an hour after they expired.
CREATE TABLE workload_tokens_seen (
  issuer TEXT {{bytewise}} NOT NULL,
  jti TEXT {{bytewise}} NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (issuer, jti)
);
CREATE INDEX workload_tokens_seen_by_expiry ON workload_tokens_seen (expires_at);

-- Where people are known: an OpenID provider or an LDAP directory. The settings hold no secret.
CREATE TABLE login_providers (
  id {{id}},
  name TEXT {{bytewise}} NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (kind IN ('oidc', 'ldap')),
  enabled BIGINT NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  settings TEXT NOT NULL,
  sealed TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE external_identities (
  provider_id BIGINT NOT NULL REFERENCES login_providers (id),
  subject TEXT {{bytewise}} NOT NULL,
  account_id BIGINT NOT NULL REFERENCES accounts (id),
  last_seen_at BIGINT NOT NULL,
  PRIMARY KEY (provider_id, subject)
);
CREATE INDEX external_identities_by_account ON external_identities (account_id);

CREATE TABLE group_mappings (
  provider_id BIGINT NOT NULL REFERENCES login_providers (id),
  external_group TEXT {{bytewise}} NOT NULL,
  team_id BIGINT NOT NULL REFERENCES teams (id),
  PRIMARY KEY (provider_id, external_group, team_id)
);
CREATE INDEX group_mappings_by_team ON group_mappings (team_id);

-- Sessions of people whom a provider has vouched for: what it is asked with whether it still does. sealed holds
-- the OpenID refresh token, or nothing.
CREATE TABLE external_sessions (
  session_id BIGINT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
  provider_id BIGINT NOT NULL REFERENCES login_providers (id),
  subject TEXT {{bytewise}} NOT NULL,
  sealed TEXT NOT NULL
);
CREATE INDEX external_sessions_by_provider ON external_sessions (provider_id);

-- Log-ins with an OpenID provider that have begun (login_requests.h). state_hash: what comes back in the
-- browser, once it has been sent to the provider; device_hash and user_code_hash: for the device flow.
CREATE TABLE login_requests (
  id {{id}},
  provider_id BIGINT NOT NULL REFERENCES login_providers (id),
  state_hash TEXT {{bytewise}} UNIQUE,
  device_hash TEXT {{bytewise}} UNIQUE,
  user_code_hash TEXT {{bytewise}} UNIQUE,
  -- waiting: for somebody to enter the user code; open: a browser is at the provider, or on its way back;
  -- approved, refused: for the device to ask.
  stage TEXT NOT NULL CHECK (stage IN ('waiting', 'open', 'approved', 'refused')),
  -- JSON of the nonce, the PKCE verifier and the browser's binder; of the approval once there is one.
  sealed TEXT NOT NULL,
  account_id BIGINT REFERENCES accounts (id),  -- whom it was approved for
  client TEXT NOT NULL,
  address TEXT NOT NULL,
  network TEXT {{bytewise}} NOT NULL,  -- hexadecimal: what the address is counted with
  polled_at BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX login_requests_by_expiry ON login_requests (expires_at);
CREATE INDEX login_requests_by_network ON login_requests (network, expires_at);
CREATE INDEX login_requests_by_provider ON login_requests (provider_id);
CREATE INDEX login_requests_by_account ON login_requests (account_id);

-- The keys that values are sealed under, each wrapped by a key of the keyring.
CREATE TABLE data_keys (
  id {{id}},
  wrapped TEXT NOT NULL,
  keyring_version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  retired_at BIGINT
);

-- What an Idempotency-Key has made: its path, never the answer, which may have held a secret.
CREATE TABLE idempotency_keys (
  account_id BIGINT NOT NULL REFERENCES accounts (id),
  key_hash TEXT {{bytewise}} NOT NULL,
  request_hash TEXT NOT NULL,
  resource TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, key_hash)
);
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (created_at);
