-- A snapshot goes up to an event before which none can come any more.
set local role concert_counter;
grant execute on function app.horizon() to concert_api;
set local role concert_owner;
