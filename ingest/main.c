/* main.c: belfry-ingest. All that it does is in ingest.c, all that daemons share in core/daemon.c. */
#include "ingest/ingest.h"

int main(int argc, char **argv)
{
    return bf_daemon_run(&bf_ingest_daemon, argc, argv);
}
