alter table auth_sessions add column capture_id text;
--> statement-breakpoint
alter table auth_sessions add column agent_events integer not null default 0;
--> statement-breakpoint
alter table auth_sessions add column controller text not null default '';
--> statement-breakpoint
alter table runs add column controller text not null default '';
--> statement-breakpoint
alter table sandboxes add column reason jsonb;
--> statement-breakpoint
alter table sandboxes add column user_id text;
--> statement-breakpoint
alter table sandboxes add column provider text;
--> statement-breakpoint
alter table sandboxes add column controller text not null default '';
--> statement-breakpoint
alter table sandboxes add column address jsonb;
--> statement-breakpoint
alter table sandboxes add column keys text;
--> statement-breakpoint
alter table sandboxes add column ended_at_ms bigint;
--> statement-breakpoint
create index sandboxes_by_state on sandboxes (state);
--> statement-breakpoint
create index auth_sessions_by_state on auth_sessions (state);
--> statement-breakpoint
create index runs_by_state on runs (state);
