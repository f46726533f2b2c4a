-- Which line of changes the database is on. A restore begins a new one.
create table change_feed (
    id    integer not null primary key check (id = 1),
    epoch blob    not null
) strict;
insert into change_feed (id, epoch) values (1, randomblob(16));

-- Random: after a database was set back, numbers are given out again, and tags are not.
alter table changes add column tag integer not null default 0;
