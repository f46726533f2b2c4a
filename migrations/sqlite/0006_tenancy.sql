-- Which organization runs the server: 1 for that one, nothing for all others.
alter table organizations add column runs_server integer;
update organizations set runs_server = 1 where id = (
    select id from organizations where parent_id is null order by created_at, id limit 1);
create unique index organizations_runs_server on organizations (runs_server);

-- How tokens for a resource are signed until the first key of its algorithm signs.
alter table resources add column algorithm_before text;

-- The secret that came in the same answer as the newest token of a client that registered itself.
alter table clients add column registration_secret blob;

-- The address by which other systems know the key that did it.
alter table audit_events add column actor_email text;
create index audit_events_by_actor_email on audit_events (actor_email, number);

-- Memberships in the order of the commits. Those of older versions have none and come first.
alter table memberships add column number integer;
insert into counters (name, value) values ('memberships', 0);
