"""What an account can do: plain functions over the tables of models.py, no Flask.

Views and commands call these; only these write. One capability, one file:

errors      the rules that say no, in words fit to show
usernames   what a username may be, and the form of it that makes it unique
passwords   hash, verify and upgrade; a few at a time
users       make an account, log in, set a password, lock, delete
sessions    make, validate, renew and end the sessions of signed-in browsers
client      who is asking: address and browser
throttling  how often somebody may try
events      the record of what happened
"""
