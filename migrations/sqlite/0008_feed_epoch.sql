-- Which line of changes the database is on. A restore begins a new one.
create table change_feed (
    id    integer not null primary key check (id = 1),
    epoch blob    not null
) strict;
insert into change_feed (id, epoch) values (1, randomblob(16));

-- Random: after a database was set back, numbers are given out again, and tags are not.
alter table changes add column tag integer not null default 0;

-- Of refresh families: when the successor was first handed out, as far as is known.
alter table refresh_families rename column rotated_at to answered_at;
-- The seconds after which an unused family ends, and the moment of that, or of its end by age.
alter table refresh_families add column idle integer not null default 0;
alter table refresh_families add column ends_at integer not null default 0;
update refresh_families set idle = json_extract(granted, '$.terms.idle');
update refresh_families
    set ends_at = case when used_at + idle < expires_at then used_at + idle else expires_at end;
drop index refresh_families_by_expiry;
create index refresh_families_by_end on refresh_families (ends_at);
