-- The tables that Salus is compared with: what a careful user builds today out of PostgreSQL and
-- pgcrypto. A row holds the encrypted event and a hash over itself and the row before it.
-- The keys stand in the functions: a look-up of them would only cost time.
\set ON_ERROR_STOP on
create extension pgcrypto;

-- The events to be stored, so that no client has to send them: that favours PostgreSQL.
create unlogged table workload (n serial primary key, event text not null);

-- plain: no encryption, no chain. The floor.
create table audit_plain (
  seq bigserial primary key,
  at timestamptz not null default clock_timestamp(),
  event text not null
);

-- chained: encrypt_iv (AES-256-CBC, a random IV a row), HMAC-SHA-256 over the previous row's HMAC,
-- the number and the ciphertext. The last row is read under an advisory lock, so that the chain
-- has no branches; no row is ever updated.
create table audit_chained (
  seq bigint primary key,
  at timestamptz not null default clock_timestamp(),
  event bytea not null,
  mac bytea not null
);

create function chain_row() returns trigger language plpgsql as $$
declare
  last record;
  iv bytea := gen_random_bytes(16);
begin
  perform pg_advisory_xact_lock(42);
  select seq, mac into last from audit_chained order by seq desc limit 1;
  new.seq := coalesce(last.seq, 0) + 1;
  new.event := iv || encrypt_iv(
    new.event, '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', iv,
    'aes-cbc/pad:pkcs');
  new.mac := hmac(
    coalesce(last.mac, '\x00') || int8send(new.seq) || new.event,
    '\x202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f', 'sha256');
  return new;
end $$;
create trigger chain_row before insert on audit_chained
  for each row execute function chain_row();

-- batched: the same rows from one function for a whole transaction: one lock and one look at the
-- last row, then a loop that carries the hash along.
create table audit_batched (like audit_chained including all);

create function append_batch(events text[]) returns void language plpgsql as $$
declare
  last_seq bigint;
  last_mac bytea;
  iv bytea;
  sealed bytea;
  one text;
begin
  perform pg_advisory_xact_lock(43);
  select seq, mac into last_seq, last_mac from audit_batched order by seq desc limit 1;
  last_seq := coalesce(last_seq, 0);
  last_mac := coalesce(last_mac, '\x00');
  foreach one in array events loop
    iv := gen_random_bytes(16);
    sealed := iv || encrypt_iv(
      one::bytea, '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', iv,
      'aes-cbc/pad:pkcs');
    last_seq := last_seq + 1;
    last_mac := hmac(
      last_mac || int8send(last_seq) || sealed,
      '\x202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f', 'sha256');
    insert into audit_batched (seq, event, mac) values (last_seq, sealed, last_mac);
  end loop;
end $$;

-- naive: what pgcrypto's manual shows first, pgp_sym_encrypt with its defaults, and a SHA-256 chain
-- whose head is one row, locked and rewritten by each insert.
create table audit_naive (
  seq bigint primary key,
  at timestamptz not null default clock_timestamp(),
  event bytea not null,
  hash bytea not null
);
create table audit_head (
  one boolean primary key default true check (one),
  seq bigint not null,
  hash bytea not null
);
insert into audit_head (seq, hash) values (0, '\x00');

create function naive_row() returns trigger language plpgsql as $$
declare
  last record;
begin
  select seq, hash into last from audit_head for update;
  new.seq := last.seq + 1;
  new.event := pgp_sym_encrypt(convert_from(new.event, 'UTF8'), 'a passphrase of some length');
  new.hash := digest(last.hash || new.event, 'sha256');
  update audit_head set seq = new.seq, hash = new.hash;
  return new;
end $$;
create trigger naive_row before insert on audit_naive
  for each row execute function naive_row();
