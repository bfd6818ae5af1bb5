"""Who watches: signing in, who may do what, the live board and what supervisors do with it.

Read `access.py` (roles and rules), `users.py` and `sessions.py` (who is asking), `web.py` (every request's way in),
then the routes themselves.
"""
