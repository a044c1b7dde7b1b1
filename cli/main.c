/* main.c: the command a person types. Its sub-commands are listed in commands.def. */
#include "cli/command.h"

int main(int argc, char **argv)
{
    return bf_command_dispatch(argc, argv);
}
