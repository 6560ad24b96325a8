"""Jobs that survive the server, and webhooks that do: rows of the database that servers claim, do and end.

node        the name of this server, which stays
claim_loop  claims rows of one table while there is room, works on them, and renews their leases
worker      one loop for the jobs and one for the webhooks, started and stopped with the server
"""
