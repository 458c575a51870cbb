/* Memory given back while there is nothing to do comes again as it was. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/attr.h"
#include "common/base/resident.h"

#define TABLE (512 * 1024)
#define ROW(n) (n) * 3 + 1, (n)*3 + 4, (n)*3 + 7, (n)*3 + 10
#define ROWS4(n) ROW(n), ROW((n) + 4), ROW((n) + 8), ROW((n) + 12)
/* Read-only, and large enough to be seen among all the rest. */
static const uint32_t table[TABLE] = {ROWS4(0), ROWS4(16), [TABLE - 1] = 4711};

static uint64_t read_table(void)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < TABLE; i++)
        sum += ((const volatile uint32_t *)table)[i];
    return sum;
}

static long resident_pages(void)
{
    long total = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld", &total, &resident), 2);
    (void)fclose(f);
    return resident;
}

static void what_is_only_read_leaves_memory_and_comes_again(void **state)
{
    (void)state;
    uint64_t sum = read_table();
    long before = resident_pages();
    resident_release();
    long after = resident_pages();
    assert_true((before - after) * sysconf(_SC_PAGESIZE) > (long)sizeof table / 2);
    assert_int_equal(read_table(), sum);
    assert_int_equal(sum, 4711 + 3 * (31 * 32 / 2) + 32);
}

static void *read_often(void *context)
{
    uint64_t *ret_sum = context;
    for (int i = 0; i < 200; i++)
        *ret_sum += read_table();
    return NULL;
}

static void others_go_on_meanwhile(void **state)
{
    (void)state;
    pthread_t threads[3];
    uint64_t sums[ARRAY_LEN(threads)] = {0};
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_often, &sums[i]), 0);
    for (int i = 0; i < 50; i++)
        resident_release();
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(sums[i], 200 * read_table());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_only_read_leaves_memory_and_comes_again),
        cmocka_unit_test(others_go_on_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
