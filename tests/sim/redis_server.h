/* redis_server.h: the simulated Redis, for whoever shapes the world or looks at its end.
 * Owner: static.   Thread: one.   Limits: redis_server.c. */
#ifndef SIM_REDIS_SERVER_H
#define SIM_REDIS_SERVER_H

#include <lua.h>

#include "tests/sim/sim.h"

extern const char *sim_redis_script; /* a file in the place of the script that the sink loads; NULL: none */
void sim_redis_reset(void);
lua_State *sim_redis_lua(void);
void sim_redis_save(int place);
/* breaks: connections end with it, as when the server was started anew; else a proxy hid it. */
void sim_redis_restore(int place, bool breaks);
extern int64_t sim_redis_away_us; /* answers nobody until then */
extern uint32_t sim_redis_breaks; /* of 1,000 commands, how many end their connection */

#endif
