-- A letter that was long in vain carries a link that is as young as its last attempt.
grant update (task_state, expires_at) on mail_link to concert_engine;

-- A letter that nobody tries to send, because no relay has a mail server, is forgotten.
grant delete on mail, mail_item to concert_engine;
