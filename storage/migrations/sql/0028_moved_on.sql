-- A move ends the exception that was for the stage before it. What a partner's own worker did, the engine writes.
grant update (excepted_until) on task to concert_engine;
