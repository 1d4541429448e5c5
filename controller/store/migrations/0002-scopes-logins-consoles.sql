alter table logins add column last_seen_at_ms bigint;
--> statement-breakpoint
update logins set last_seen_at_ms = created_at_ms;
--> statement-breakpoint
alter table logins alter column last_seen_at_ms set not null;
--> statement-breakpoint
alter table logins add column agent text not null default '';
--> statement-breakpoint
alter table api_tokens add column scopes jsonb not null default '["admin"]';
--> statement-breakpoint
alter table api_tokens alter column scopes drop default;
--> statement-breakpoint
alter table api_tokens add column expires_at_ms bigint;
--> statement-breakpoint
create table session_consoles (
  session_id text primary key references auth_sessions (id) on delete cascade,
  at_ms bigint not null,
  text text not null
);
--> statement-breakpoint
create index session_consoles_by_time on session_consoles (at_ms);
--> statement-breakpoint
create index runs_by_credential on runs (credential_id, created_at_ms);
