-- A row where tables that the owner (first value) makes will be readable to the role (second).
SELECT 1
FROM pg_default_acl AS d
CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
WHERE d.defaclrole = (SELECT oid FROM pg_roles WHERE rolname = %s)
  AND a.grantee = (SELECT oid FROM pg_roles WHERE rolname = %s)
  AND d.defaclobjtype = 'r'
  AND d.defaclnamespace = 0
  AND a.privilege_type = 'SELECT'
