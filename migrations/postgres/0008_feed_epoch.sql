-- Which line of changes the database is on. A restore begins a new one.
create table change_feed (
    id    bigint not null primary key check (id = 1),
    epoch uuid   not null
);
insert into change_feed (id, epoch) values (1, gen_random_uuid());

-- Random: after a database was set back, numbers are given out again, and tags are not.
alter table changes add column tag bigint not null default 0;
