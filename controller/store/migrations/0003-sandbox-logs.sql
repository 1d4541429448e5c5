create table sandbox_logs (
  sandbox_id text primary key,
  user_id text references users (id) on delete cascade,
  session_id text references auth_sessions (id) on delete cascade,
  run_id text references runs (id) on delete cascade,
  profile text not null,
  provider text,
  image text,
  created_at_ms bigint not null,
  ended_at_ms bigint not null,
  reason jsonb not null,
  moves jsonb not null,
  console text not null,
  journal text not null,
  picture bytea,
  bytes integer not null
);
--> statement-breakpoint
create index sandbox_logs_by_end on sandbox_logs (ended_at_ms);
--> statement-breakpoint
create index sandbox_logs_by_session on sandbox_logs (session_id);
--> statement-breakpoint
create index sandbox_logs_by_run on sandbox_logs (run_id);
--> statement-breakpoint
insert into sandbox_logs
  select coalesce(s.sandbox_id, 'sbx_' || substr(md5(s.id), 1, 20)), s.user_id, s.id, null::text, 'desktop', s.provider, null::text,
    s.created_at_ms, c.at_ms,
    coalesce(s.reason, '{"code": "sandbox_failed", "message": "The sign-in ended badly.", "hint": "Try again."}'::jsonb),
    '[]'::jsonb, c.text, '', null::bytea, octet_length(c.text)
  from session_consoles c join auth_sessions s on s.id = c.session_id
  on conflict do nothing;
--> statement-breakpoint
drop table session_consoles;
