-- What of strangers is kept, and what a namespace's quota counts: docs/formats/database.md.

-- States of browsers' log-ins that have let somebody in (login_state.h): none does so twice.
CREATE TABLE login_states_used (
  state_hash TEXT {{bytewise}} PRIMARY KEY,
  expires_at BIGINT NOT NULL
);
CREATE INDEX login_states_used_by_expiry ON login_states_used (expires_at);

-- A browser's own log-in is not kept any more before it is finished.
DELETE FROM login_requests WHERE device_hash IS NULL;

-- Room set aside in a quota for bytes that are about to be stored. used_bytes includes it; after a crash it is
-- given back when it runs out.
CREATE TABLE quota_reservations (
  id {{id}},
  namespace_id BIGINT NOT NULL REFERENCES namespaces (id),
  bytes BIGINT NOT NULL CHECK (bytes >= 0),
  expires_at BIGINT NOT NULL
);
CREATE INDEX quota_reservations_by_expiry ON quota_reservations (expires_at);
CREATE INDEX quota_reservations_by_namespace ON quota_reservations (namespace_id);

-- Manifests count too from now on.
UPDATE namespaces SET used_bytes = used_bytes + (
  SELECT CAST(COALESCE(SUM(m.size), 0) AS BIGINT) FROM manifests m
  JOIN repositories r ON r.id = m.repository_id WHERE r.namespace_id = namespaces.id
);

-- How many tags the repository has, kept up to date by the transactions that set and delete them.
ALTER TABLE repositories ADD COLUMN tags BIGINT NOT NULL DEFAULT 0;
UPDATE repositories SET tags = (SELECT COUNT(*) FROM tags t WHERE t.repository_id = repositories.id);

-- When the last manifest that referred to the blob went: it counts towards no quota any more, and is unlinked a
-- while later unless a manifest refers to it again. NULL while it counts.
ALTER TABLE repository_blobs ADD COLUMN released_at BIGINT;
CREATE INDEX repository_blobs_released ON repository_blobs (released_at) WHERE released_at IS NOT NULL;
