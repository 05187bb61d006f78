/* Counts visitors in a sqlite file: visits PORT DATABASE */
#include <microhttpd.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static sqlite3 *db;
static char hello[64];

static int number(void *out, int n, char **cells, char **names)
{
    *(int *)out = atoi(cells[0]);
    return 0;
}

static enum MHD_Result answer(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **state)
{
    char text[128];
    int count = 0;

    sqlite3_exec(db, "INSERT INTO visit DEFAULT VALUES; SELECT count(*) FROM visit", number, &count, NULL);
    snprintf(text, sizeof text, "%s %d\n", hello, count);
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

static void stop(int signal)
{
    _exit(0);
}

int main(int argc, char **argv)
{
    FILE *file = fopen("/usr/local/share/visits/hello.txt", "r");

    if (argc != 3 || !file || !fgets(hello, sizeof hello, file) || sqlite3_open(argv[2], &db) != SQLITE_OK)
        return 1;
    hello[strcspn(hello, "\n")] = 0;
    if (sqlite3_exec(db, "CREATE TABLE IF NOT EXISTS visit (id INTEGER PRIMARY KEY)", NULL, NULL, NULL) != SQLITE_OK)
        return 2;
    signal(SIGTERM, stop);
    if (!MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, atoi(argv[1]), NULL, NULL, answer, NULL, MHD_OPTION_END))
        return 3;
    for (;;)
        pause();
}
