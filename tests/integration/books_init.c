/* Makes the tables once and says what it made and found: for tests that look at the database
 * itself. */
#include <stdio.h>
#include <stdlib.h>

#include "common/store/schema.h"

int main(void)
{
    struct settings s = {0};
    s.database.url = getenv("METERBEAT_TEST_DATABASE");
    s.database.password = getenv("METERBEAT_DATABASE_PASSWORD");
    s.database.connect_timeout_s = 5;
    s.database.statement_timeout_s = 20;
    struct err e = {0};
    struct schema_report report;
    struct pg *p = pg_new(&s, "books_init");
    bool ok = p && pg_ready(p, &e) && schema_init(p, &report, &e) && schema_check(p, &e);
    pg_free(p);
    if (!ok) {
        fprintf(stderr, "%s %s: %s\n", err_kind_name(e.kind), e.code, e.text);
        return 1;
    }
    printf("made: %s\nfound: %s\nremarks: %s\n", report.made, report.found, report.remarks);
    return 0;
}
