-- Where the engine asks another partner, by a plan's policy, the exception from which the last offer had rested ends, as it
-- does where the source re-routes it itself.
grant update (excepted_until) on referral to concert_engine;
