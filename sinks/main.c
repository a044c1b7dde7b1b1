/* main.c: belfry-sink. */
#include "sinks/runner.h"

int main(int argc, char **argv)
{
    return bf_daemon_run(&bf_sink_daemon, argc, argv);
}
