alter table credentials add column connected_version integer not null default 0;
--> statement-breakpoint
alter table sandboxes add column lent_version integer;
