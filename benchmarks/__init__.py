"""What bin/bench runs: Vestibule and its peers, side by side, on this machine.

peers        what is measured: the limit, ourselves, and three others
servers      starts one of them under granian or gunicorn and stops it again
visitors     raw HTTP: log in through the form, keep the cookie, write requests down
load         sends requests for a while, with wrk where installed
machine      cores, CPU time and memory, from /proc
compare      slices in turn, round after round, and medians
pages        bin/bench profile | login
inprocess    CPU time of one request without any server
flood        bin/bench flood: others' pages while many log in; start time; memory
scale        bin/bench scale: up to 5,000,000 session rows, and pruning beside log-ins
admin        bin/bench admin: each page of admins over 1,000,000 users
report       the tables, the goals, results.json
chart        the picture in the README
"""
