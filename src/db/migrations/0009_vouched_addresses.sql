-- The e-mail address that the provider vouched for with the person's last log-in; '' for none. When the link is undone, the
-- account's address is unverified with it. Of links from before it is not known who vouched: taken to be the provider.
ALTER TABLE external_identities ADD COLUMN email TEXT NOT NULL DEFAULT '';
UPDATE external_identities SET email =
  COALESCE((SELECT a.email FROM accounts a WHERE a.id = account_id AND a.email_verified = 1), '');
-- Whether an address is verified for another account.
CREATE INDEX accounts_by_verified_email ON accounts (lower(email)) WHERE email_verified = 1;
