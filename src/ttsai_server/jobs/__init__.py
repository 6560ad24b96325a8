"""Execution of jobs and webhooks. Both are database rows that servers claim, so they survive a crash.

node        the permanent name of this server
claim_loop  claims rows of one table, works on them, and renews their leases
worker      one loop for jobs and one for webhooks, started and stopped with the server
"""
