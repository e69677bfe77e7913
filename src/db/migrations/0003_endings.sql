-- Raised by whatever ends the account's access tokens for good: a new password, a reset of its factors, its being stopped.
-- A token holds as long as its account has the version that it was made for. Those of accounts that are stopped were
-- promised to be dead; since when is not written down anywhere.
ALTER TABLE accounts ADD COLUMN token_version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE access_tokens ADD COLUMN token_version BIGINT NOT NULL DEFAULT 1;
UPDATE access_tokens SET revoked_at = created_at WHERE revoked_at IS NULL
  AND account_id IN (SELECT id FROM accounts WHERE state <> 'active');

-- Whether whoever made it had shown a second factor. Of those made before, that is known where their maker had one by then,
-- and an operator's word counts as one.
ALTER TABLE access_tokens ADD COLUMN multi_factor BIGINT NOT NULL DEFAULT 0 CHECK (multi_factor IN (0, 1));
UPDATE access_tokens SET multi_factor = 1 WHERE created_by IS NULL
  OR EXISTS (SELECT 1 FROM totp f WHERE f.account_id = access_tokens.created_by
             AND f.confirmed_at <= access_tokens.created_at)
  OR EXISTS (SELECT 1 FROM webauthn_credentials w WHERE w.account_id = access_tokens.created_by
             AND w.created_at <= access_tokens.created_at);

-- Whom an invitation names, as it was written: a name that is nobody's is invited like any other, so that inviting does
-- not tell who has an account.
ALTER TABLE invitations ADD COLUMN addressee TEXT {{bytewise}} NOT NULL DEFAULT '';
UPDATE invitations SET addressee = (SELECT a.name FROM accounts a WHERE a.id = account_id) WHERE account_id IS NOT NULL;
-- Those of an account that is stopped, or that is an owner no more, go.
CREATE INDEX invitations_by_inviter ON invitations (invited_by);
