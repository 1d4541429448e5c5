alter table sandboxes add column host text not null default '';
