"""Jobs that survive the server: DBOS (https://docs.dbos.dev) on the database that also holds the ledger.

queue       enqueues a task in the transaction that pays for it
workflows   what DBOS runs: the task, then its webhook
nodes       signs of life, and taking over from the dead
pace        how often jobs are looked for: seldom while there are none
worker      all of it, started and stopped with the server

What building on DBOS 3.4.0 taught:
- It is one to a process, by its own globals: a second server in the same process can accept jobs, not do them.
- A queue is found by polling: some 3 ms of a processor a look. So there is one queue, with a partition a model.
- Its async API gives the calling event loop DBOS's unbounded thread pool as its default executor. So it is launched and
  called from other threads, runs workflows on a loop of its own, and they hop to the server's for the work.
- A workflow that is async sleeps without a thread: webhooks sleep for hours.
- It imports psycopg, even for SQLite, and takes a second to import: it is imported when the server starts.
- When it is stopped it claims jobs to the last, for a loop that is closed: whoever looks for jobs is stopped first.
- Recovered workflows run from its internal queue, at once and with no regard to the limits of their own.
"""
