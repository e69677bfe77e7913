-- What each manifest refers to in its repository: its config and layers, the manifests of an index. What a fixed tag reaches
-- is found from below.
CREATE TABLE manifest_children (
  repository_id BIGINT NOT NULL,
  digest TEXT {{bytewise}} NOT NULL,
  child TEXT {{bytewise}} NOT NULL,
  PRIMARY KEY (repository_id, digest, child),
  FOREIGN KEY (repository_id, digest) REFERENCES manifests (repository_id, digest)
);
-- With the digest, so that the way up is found in the index alone.
CREATE INDEX manifest_children_by_child ON manifest_children (repository_id, child, digest);

-- 0 for manifests of an earlier version, whose children are read from their bytes before the answer is needed.
ALTER TABLE manifests ADD COLUMN children_known BIGINT NOT NULL DEFAULT 0 CHECK (children_known IN (0, 1));
CREATE INDEX manifests_unread ON manifests (repository_id, digest) WHERE children_known = 0;
