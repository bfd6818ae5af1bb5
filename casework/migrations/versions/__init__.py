"""One file per step, each naming the step before it. A step that has been released is never edited.

Tickets, notices and visits each have a line of their own, begun by a step that has none before it and named after it
(tickets_0001, notices_0001); a step that needs another line's tables says so with `depends_on`.
"""
