-- Which line of changes the database is on. A restore begins a new one.
create table change_feed (
    id    bigint not null primary key check (id = 1),
    epoch uuid   not null
);
insert into change_feed (id, epoch) values (1, gen_random_uuid());

-- Random: after a database was set back, numbers are given out again, and tags are not.
alter table changes add column tag bigint not null default 0;

-- Of refresh families: when the successor was first handed out, as far as is known.
alter table refresh_families rename column rotated_at to answered_at;
-- The seconds after which an unused family ends, and the moment of that, or of its end by age.
alter table refresh_families add column idle bigint not null default 0;
alter table refresh_families add column ends_at bigint not null default 0;
update refresh_families set idle = (granted::json -> 'terms' ->> 'idle')::bigint;
update refresh_families
    set ends_at = case when used_at + idle < expires_at then used_at + idle else expires_at end;
drop index refresh_families_by_expiry;
create index refresh_families_by_end on refresh_families (ends_at);
