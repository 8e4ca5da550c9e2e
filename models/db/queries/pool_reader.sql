-- Become the read role where there is one and the connected role may.
DO $$
BEGIN
  IF current_user <> '{role}'
    AND EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')
    AND pg_has_role(current_user, to_regrole('{role}'), 'MEMBER')
  THEN
    SET ROLE {role};
  END IF;
END
$$
