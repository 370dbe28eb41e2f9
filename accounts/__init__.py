"""What an account can do: plain functions over the tables of models.py, no Flask.

Views and commands call these; only these write. One capability, one file:

errors            the rules that say no, in words fit to show
usernames         what a username may be, and the form of it that makes it unique
passwords         hash, verify and upgrade
hashing           the few threads that do it, and who may wait for them
common_passwords  those among the most common ones: told of, or refused
users             make an account, log in, change password and name, lock, delete
held_names        imported names that read the same: who is meant, and what newcomers cannot take
sessions          make, validate, renew and end the sessions of signed-in browsers
lucia_import      users of an application on Lucia v2 and Prisma, with their passwords
lucia_plan        what is to become of each of them
lucia_source      their database, read from a private copy
client            who is asking: address and browser
throttling        how often somebody may try
events            the record of what happened
activity          what of it the account's owner is shown
export            everything that is stored about an account
statements        queries whose SQL is made once, for what every page and every log-in runs
"""
