-- What a quota counts: docs/formats/database.md. And repositories that are gone, whose rows go in steps.

-- What a manifest refers to was two digests and a number, written three times over. Now a digest that is of use in a
-- repository has a number, and a reference is two of those.
CREATE TABLE repository_digests (
  id {{id}},
  repository_id BIGINT NOT NULL REFERENCES repositories (id),
  digest TEXT {{bytewise}} NOT NULL,
  UNIQUE (repository_id, digest)
);
INSERT INTO repository_digests (repository_id, digest)
  SELECT repository_id, digest FROM manifest_children UNION SELECT repository_id, child FROM manifest_children;

DROP INDEX manifest_children_by_child;
ALTER TABLE manifest_children RENAME TO manifest_children_by_digest;
CREATE TABLE manifest_children (
  child BIGINT NOT NULL REFERENCES repository_digests (id),
  parent BIGINT NOT NULL REFERENCES repository_digests (id),
  PRIMARY KEY (child, parent)
) {{keyed}};
INSERT INTO manifest_children (child, parent)
  SELECT c.id, p.id FROM manifest_children_by_digest m
  JOIN repository_digests c ON c.repository_id = m.repository_id AND c.digest = m.child
  JOIN repository_digests p ON p.repository_id = m.repository_id AND p.digest = m.digest ORDER BY c.id, p.id;
CREATE INDEX manifest_children_by_parent ON manifest_children (parent, child);
DROP TABLE manifest_children_by_digest;

-- 4 KiB at least for each file, and 256 bytes for each reference.
ALTER TABLE manifests ADD COLUMN counted_bytes BIGINT NOT NULL DEFAULT 0;
UPDATE manifests SET counted_bytes = CASE WHEN size < 4096 THEN 4096 ELSE size END + 256 * (
  SELECT COUNT(*) FROM repository_digests p JOIN manifest_children c ON c.parent = p.id
  WHERE p.repository_id = manifests.repository_id AND p.digest = manifests.digest
);

-- What each repository counts for, kept up to date with what its namespace does: moved or taken away at once.
ALTER TABLE repositories ADD COLUMN used_bytes BIGINT NOT NULL DEFAULT 0;
UPDATE repositories SET used_bytes = (
  SELECT CAST(COALESCE(SUM(CASE WHEN b.size < 4096 THEN 4096 ELSE b.size END), 0) AS BIGINT)
  FROM repository_blobs r JOIN blobs b ON b.digest = r.digest
  WHERE r.repository_id = repositories.id AND r.released_at IS NULL
) + (
  SELECT CAST(COALESCE(SUM(m.counted_bytes), 0) AS BIGINT) FROM manifests m WHERE m.repository_id = repositories.id
);
UPDATE namespaces SET used_bytes = (
  SELECT CAST(COALESCE(SUM(r.used_bytes), 0) AS BIGINT) FROM repositories r WHERE r.namespace_id = namespaces.id
) + (
  SELECT CAST(COALESCE(SUM(q.bytes), 0) AS BIGINT) FROM quota_reservations q WHERE q.namespace_id = namespaces.id
);

-- Released blobs are looked for by repository as well: a push into a quota must not walk all that a namespace holds.
CREATE INDEX repository_blobs_released_of ON repository_blobs (repository_id, released_at) WHERE released_at IS NOT NULL;

-- Raised whenever a manifest or a blob goes from the repository, or comes to count or not to count: as long as it is the
-- same, what was found there is there.
ALTER TABLE repositories ADD COLUMN removals BIGINT NOT NULL DEFAULT 0;

-- Raised whenever a tag that is held fast is set, a pattern changes, or a manifest comes that others refer to already: as
-- long as it is the same, what no tag held fast is not held.
ALTER TABLE repositories ADD COLUMN holds BIGINT NOT NULL DEFAULT 0;

-- A repository that was removed is in this namespace, whose name nobody can have, until its rows have gone.
ALTER TABLE repositories ADD COLUMN removed_at BIGINT;
CREATE INDEX repositories_removed ON repositories (removed_at) WHERE removed_at IS NOT NULL;
INSERT INTO namespaces (name, created_at) VALUES ('#removed', 0);
