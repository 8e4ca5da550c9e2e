-- A row where the owner (first value) is a member of the read role (second), which reads only.
SELECT 1
FROM pg_auth_members AS m
JOIN pg_roles AS reader ON reader.oid = m.roleid
JOIN pg_roles AS owner ON owner.oid = m.member
WHERE owner.rolname = %s
  AND reader.rolname = %s
  AND 'default_transaction_read_only=on' = ANY (reader.rolconfig)
