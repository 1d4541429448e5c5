create table users (
  id text primary key,
  name text not null constraint users_name_unique unique,
  role text not null,
  password_hash text not null,
  created_at_ms bigint not null
);
--> statement-breakpoint
create table logins (
  id text primary key,
  user_id text not null references users (id) on delete cascade,
  secret_hash text not null constraint logins_secret_hash_unique unique,
  created_at_ms bigint not null,
  expires_at_ms bigint not null
);
--> statement-breakpoint
create table api_tokens (
  id text primary key,
  user_id text not null references users (id) on delete cascade,
  name text not null,
  secret_hash text not null constraint api_tokens_secret_hash_unique unique,
  created_at_ms bigint not null,
  last_used_at_ms bigint
);
--> statement-breakpoint
create table credentials (
  id text primary key,
  user_id text not null references users (id) on delete cascade,
  provider text not null,
  label text not null,
  kind text not null,
  status text not null,
  account jsonb not null,
  envelope text not null,
  version integer not null,
  created_at_ms bigint not null,
  updated_at_ms bigint not null,
  last_used_at_ms bigint
);
--> statement-breakpoint
create index credentials_by_user on credentials (user_id, provider);
--> statement-breakpoint
create unique index credentials_by_label on credentials (user_id, provider, label) where status <> 'unproven';
--> statement-breakpoint
create table auth_sessions (
  id text primary key,
  user_id text not null references users (id) on delete cascade,
  provider text not null,
  label text not null,
  state text not null,
  reason jsonb,
  sandbox_id text,
  credential_id text,
  created_at_ms bigint not null,
  expires_at_ms bigint not null,
  hard_expires_at_ms bigint not null,
  ended_at_ms bigint
);
--> statement-breakpoint
create index auth_sessions_by_user on auth_sessions (user_id, created_at_ms);
--> statement-breakpoint
create table runs (
  id text primary key,
  user_id text not null references users (id) on delete cascade,
  provider text not null,
  credential_id text,
  sandbox_id text,
  state text not null,
  reason jsonb,
  prompt text not null,
  model text,
  answer text not null default '',
  usage jsonb,
  deadline_ms integer not null,
  created_at_ms bigint not null,
  started_at_ms bigint,
  first_text_at_ms bigint,
  ended_at_ms bigint
);
--> statement-breakpoint
create index runs_by_user on runs (user_id, created_at_ms);
--> statement-breakpoint
create table sandboxes (
  id text primary key,
  profile text not null,
  state text not null,
  owner text,
  created_at_ms bigint not null
);
--> statement-breakpoint
create table events (
  stream text not null,
  seq integer not null,
  at_ms bigint not null,
  event jsonb not null,
  primary key (stream, seq)
);
--> statement-breakpoint
create table facts (
  name text primary key,
  value text not null
);
