/* main.c: `run`: schedules by their seeds, in several processes; one alone, traced; a failing one shrunk and
 * written as a vector; vectors replayed. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/redis_server.h"
#include "tests/sim/vector.h"
#include "tests/sim/world.h"

#define JOBS_MAX 16
#define SHOWN 10           /* failing seeds that are named */
#define WARM 500           /* schedules after which memory must not grow */
#define GROWTH_PAGES 4096L /* ... but for what a larger schedule touches for the first time */

static struct {
    uint64_t first, last;
    size_t steps;
    enum sim_event_kind aim; /* one of these in each schedule; SIM_EVENT_KINDS: none */
    int jobs;
    bool expect_failure, shrink;
} options = {.first = 1, .last = 1, .steps = SIM_EVENTS, .aim = SIM_EVENT_KINDS, .jobs = 1, .shrink = true};

static const char usage[] =
    "usage: tests/sim/run [options] [VECTOR...]\n\n"
    "  --seed N          one schedule\n"
    "  --seeds A..B      several\n"
    "  --steps M         only the first M faults of each\n"
    "  --aim FAULT       one more fault in each, of that kind\n"
    "  --jobs J          in J processes\n"
    "  --trace           tells what happens\n"
    "  --expect-failure  succeeds at the first seed that fails, and fails where none does\n"
    "  --script FILE     another sinks/redis.lua\n"
    "  --no-shrink       leaves a failing schedule as it is\n"
    "  VECTOR            replays schedules from files\n";

static long resident_pages(void)
{
    long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%ld %ld", &size, &resident) != 2) {
            resident = 0;
        }
        fclose(file);
    }
    return resident;
}

static void run_seed(uint64_t seed, struct sim_plan *plan)
{
    sim_plan_draw(plan, seed);
    if (options.aim != SIM_EVENT_KINDS) {
        sim_plan_aim(plan, options.aim);
    }
    plan->count = plan->count < options.steps ? plan->count : options.steps;
    sim_world_run(plan);
}

/* One worker: its share of the seeds. Failing ones go into the pipe, a word each. */
static void work(int index, int out)
{
    static struct sim_plan plan;
    long warm = 0;
    uint64_t done = 0;
    for (uint64_t seed = options.first + (uint64_t)index; seed <= options.last;
         seed += (uint64_t)options.jobs) {
        run_seed(seed, &plan);
        if (sim_failed() && write(out, &seed, sizeof(seed)) != (ssize_t)sizeof(seed)) {
            exit(1);
        }
        if (sim_failed() && options.expect_failure) {
            exit(0);
        }
        warm = ++done == WARM ? resident_pages() : warm;
    }
    if (done > 2 * WARM && !options.expect_failure && resident_pages() > warm + GROWTH_PAGES) {
        printf("memory grows: %ld pages after %d schedules, %ld after %llu\n", warm, WARM, resident_pages(),
               (unsigned long long)done);
        exit(1);
    }
    exit(0);
}

static void show(uint64_t seed)
{
    static struct sim_plan plan;
    run_seed(seed, &plan);
    printf("seed %llu: %s\n", (unsigned long long)seed, sim_failed() ? sim_failure() : "nothing wrong");
    if (sim_failed() && options.shrink && !sim_tracing) {
        sim_vector_shrink(&plan);
        printf("\nshrunk; to be kept in tests/vectors/sim:\n\n");
        sim_vector_write(&plan, stdout);
    }
}

/* Returns how many seeds failed; the first of them is shown whole. */
static int run_range(bool *whole)
{
    int pipes[2], failed = 0;
    uint64_t seed, shown[SHOWN];
    if (pipe(pipes) != 0) {
        abort();
    }
    fflush(stdout);
    pid_t workers[JOBS_MAX];
    for (int i = 0; i < options.jobs; i++) {
        workers[i] = fork();
        if (workers[i] == 0) {
            close(pipes[0]);
            work(i, pipes[1]);
        }
    }
    close(pipes[1]);
    while (read(pipes[0], &seed, sizeof(seed)) == (ssize_t)sizeof(seed)) {
        if (failed < SHOWN) {
            shown[failed] = seed;
        }
        failed++;
        for (int i = 0; options.expect_failure && i < options.jobs; i++) {
            kill(workers[i], SIGKILL); /* one is enough */
        }
    }
    close(pipes[0]);
    *whole = true;
    for (int i = 0, status; i < options.jobs; i++) {
        *whole = wait(&status) >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 && *whole;
    }
    for (int i = 0; i < failed && i < SHOWN; i++) {
        options.shrink = options.shrink && i == 0 && !options.expect_failure;
        show(shown[i]);
    }
    return failed;
}

static int run_vectors(char **paths, int count)
{
    int failed = 0;
    for (int i = 0; i < count; i++) {
        static struct sim_plan plan;
        if (!sim_vector_read(paths[i], &plan)) {
            printf("%s: cannot be read\n", paths[i]);
            return 1;
        }
        sim_world_run(&plan);
        printf("%s: %s\n", paths[i], sim_failed() ? sim_failure() : "nothing wrong");
        failed += sim_failed();
    }
    return failed > 0;
}

static bool parse(int argc, char **argv)
{
    static const struct option names[] = {
        {"seed", required_argument, NULL, 's'},     {"seeds", required_argument, NULL, 'r'},
        {"steps", required_argument, NULL, 'm'},    {"jobs", required_argument, NULL, 'j'},
        {"aim", required_argument, NULL, 'a'},      {"trace", no_argument, NULL, 't'},
        {"expect-failure", no_argument, NULL, 'x'}, {"no-shrink", no_argument, NULL, 'n'},
        {"script", required_argument, NULL, 'l'},   {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) >= 0;) {
        char *rest = NULL;
        if (option == 's') {
            options.first = options.last = strtoull(optarg, &rest, 10);
        } else if (option == 'r') {
            options.first = strtoull(optarg, &rest, 10);
            options.last = strncmp(rest, "..", 2) == 0 ? strtoull(rest + 2, &rest, 10) : 0;
        } else if (option == 'm') {
            options.steps = strtoull(optarg, &rest, 10);
        } else if (option == 'j') {
            options.jobs = (int)strtol(optarg, &rest, 10);
        } else if (option == 'a') {
            if (!sim_event_parse(optarg, &options.aim)) {
                return false;
            }
        } else if (option == 't') {
            sim_tracing = true;
        } else if (option == 'x') {
            options.expect_failure = true;
        } else if (option == 'l') {
            sim_redis_script = optarg;
        } else if (option == 'n') {
            options.shrink = false;
        } else {
            return false;
        }
        if (rest != NULL && *rest != '\0') {
            return false;
        }
    }
    return options.first <= options.last && options.jobs >= 1 && options.jobs <= JOBS_MAX;
}

int main(int argc, char **argv)
{
    if (!parse(argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    sim_world_prepare();
    if (optind < argc) {
        return run_vectors(argv + optind, argc - optind);
    }
    if (options.first == options.last) {
        show(options.first);
        return sim_failed() != options.expect_failure;
    }
    bool whole;
    int failed = run_range(&whole);
    printf("%llu schedules, %d failed\n", (unsigned long long)(options.last - options.first + 1), failed);
    return options.expect_failure ? failed == 0 : failed > 0 || !whole;
}
