"""Runs the service with pushes that wait a minute for Supabase.

A test can then hold an answer of Supabase for as long as a busy machine needs.
"""

from functions import server
from shared.composition import supabase_pushes
from shared.realtime.supabase import PushTimeouts

if __name__ == "__main__":
    supabase_pushes.IN_BACKGROUND = PushTimeouts(queue_s=60, request_s=60, note_s=60)
    server.main()
