/* main.c: belfry-process. All that it does is in run/process.c, all that daemons share in core/daemon.c. */
#include "processors/run/process.h"

int main(int argc, char **argv)
{
    return bf_daemon_run(&bf_process_daemon, argc, argv);
}
