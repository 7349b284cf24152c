-- Whether the chains hold and the events come back: a table that lost rows would be worth no figure.
\set ON_ERROR_STOP on
do $$
declare
  wrong bigint;
begin
  select count(*) into wrong from (
    select mac <> hmac(coalesce(lag(mac) over (order by seq), '\x00') || int8send(seq) || event,
                       '\x202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f',
                       'sha256')
           or seq <> row_number() over (order by seq)
           or length(decrypt_iv(
                substr(event, 17),
                '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
                substr(event, 1, 16), 'aes-cbc/pad:pkcs')) <> 299 as is_wrong
    from audit_chained) rows where is_wrong;
  if wrong > 0 then raise exception 'audit_chained: % rows do not verify', wrong; end if;

  select count(*) into wrong from (
    select mac <> hmac(coalesce(lag(mac) over (order by seq), '\x00') || int8send(seq) || event,
                       '\x202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f',
                       'sha256')
           or seq <> row_number() over (order by seq) as is_wrong
    from audit_batched) rows where is_wrong;
  if wrong > 0 then raise exception 'audit_batched: % rows do not verify', wrong; end if;

  select count(*) into wrong from (
    select hash <> digest(coalesce(lag(hash) over (order by seq), '\x00') || event, 'sha256')
      as is_wrong from audit_naive) rows where is_wrong;
  if wrong > 0 then raise exception 'audit_naive: % rows do not verify', wrong; end if;
  if (select length(pgp_sym_decrypt(event, 'a passphrase of some length'))
      from audit_naive limit 1) <> 299 then
    raise exception 'audit_naive: an event does not come back';
  end if;
end $$;
