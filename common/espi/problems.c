/* What was odd about a feed: a few of each kind are kept with their place, the rest only counted.
 */
#include "common/espi/problems.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_OF_A_KIND 10

const char *espi_odd_code(enum espi_odd odd)
{
    static const char *const codes[ODD_COUNT] = {
        [ODD_BAD_NUMBER] = "bad_number",
        [ODD_NUMBER_NOT_WHOLE] = "number_not_whole",
        [ODD_START_NOT_WHOLE] = "start_not_whole",
        [ODD_NO_VALUE] = "no_value",
        [ODD_NO_TIME] = "no_time",
        [ODD_NO_INTERVAL_LENGTH] = "no_interval_length",
        [ODD_INTERVAL_UNIT] = "interval_length_unit",
        [ODD_DURATION_UNIT] = "duration_unit",
        [ODD_CONFLICTING_RESOURCE] = "conflicting_resource",
        [ODD_AMBIGUOUS_LINK] = "ambiguous_link",
        [ODD_NO_USAGE_POINT] = "no_usage_point",
        [ODD_NO_METER_READING] = "no_meter_reading",
        [ODD_NO_READING_TYPE] = "no_reading_type",
        [ODD_NO_UNIT] = "no_unit",
        [ODD_BAD_MULTIPLIER] = "bad_multiplier",
        [ODD_CONFLICTING_TYPES] = "conflicting_types",
        [ODD_DST_CUT_OFF] = "dst_rule_cut_off",
        [ODD_DST_UNIX_TIME] = "dst_rule_unix_time",
        [ODD_DST_SECONDS] = "dst_rule_seconds",
        [ODD_DST_UNREADABLE] = "dst_rule_unreadable",
        [ODD_SERVICE_CONFLICT] = "service_conflict",
        [ODD_AMOUNT] = "implausible_amount",
        [ODD_PRICE] = "implausible_price",
        [ODD_POWER_DISAGREES] = "power_disagrees",
        [ODD_NOT_ESPI] = "not_espi",
        [ODD_TZ_OFFSET_SIGN] = "tz_offset_sign",
        [ODD_TZ_OFFSET_UNIT] = "tz_offset_unit",
        [ODD_TZ_OFFSET_ODD] = "tz_offset_odd",
        [ODD_DST_SWAPPED] = "dst_rules_swapped",
        [ODD_DST_MISSING] = "dst_rule_missing",
        [ODD_DST_EQUAL] = "dst_rules_equal",
        [ODD_DST_OFFSET] = "dst_offset_odd",
        [ODD_DST_FOREIGN] = "dst_rule_foreign",
        [ODD_NAME_SPACE] = "name_space",
        [ODD_MISPLACED_READING] = "misplaced_reading",
        [ODD_MILLISECONDS] = "start_in_milliseconds",
        [ODD_START_IMPOSSIBLE] = "start_impossible",
        [ODD_UNREADABLE_VALUES] = "unreadable_values",
        [ODD_UNREADABLE_COSTS] = "unreadable_costs",
        [ODD_UNREADABLE_TYPE] = "unreadable_type",
        [ODD_BILL_LINES] = "bill_lines_unclear",
        [ODD_BLOCKS_DIFFER] = "blocks_differ",
        [ODD_CUSTOMER_DATA] = "customer_data",
        [ODD_BATCH_LIST] = "batch_list",
        [ODD_UNREAD_FILE] = "file_not_read",
    };
    return codes[odd];
}

enum espi_odd espi_odd_of_code(const char *code)
{
    int odd = 0;
    while (odd < ODD_COUNT && strcmp(espi_odd_code((enum espi_odd)odd), code) != 0)
        odd++;
    return (enum espi_odd)odd;
}

/* Cuts a text to fit without splitting a UTF-8 character. */
static size_t fitting(const char *text, size_t len, size_t room)
{
    if (len <= room)
        return len;
    while (room && ((unsigned char)text[room] & 0xc0) == 0x80)
        room--;
    return room;
}

bool espi_odd_is_skipped(enum espi_odd odd)
{
    return odd == ODD_NO_VALUE || odd == ODD_NO_TIME || odd == ODD_MISPLACED_READING ||
           odd == ODD_MILLISECONDS || odd == ODD_START_IMPOSSIBLE;
}

bool espi_odd_is_counted(enum espi_odd odd)
{
    return espi_odd_is_skipped(odd) || odd == ODD_CUSTOMER_DATA || odd == ODD_BATCH_LIST;
}

/* One more of a problem that is kept already. */
static bool count_again(struct espi_problems *p, enum espi_odd odd, const char *where, size_t len)
{
    const char *code = espi_odd_code(odd);
    for (size_t i = 0; i < p->count; i++)
        if (p->kept[i].code == code && strlen(p->kept[i].where) == len &&
            (!len || !memcmp(p->kept[i].where, where, len))) {
            p->kept[i].count++;
            return true;
        }
    return false;
}

void espi_problems_add(struct espi_problems *p, enum espi_odd odd, uint64_t line, uint64_t column,
                       const char *where, size_t len)
{
    if (!p->kept && p->max)
        p->kept = calloc(p->max, sizeof *p->kept);
    len = where ? fitting(where, len, sizeof p->kept->where - 1) : 0;
    if (espi_odd_is_counted(odd) && count_again(p, odd, where, len))
        return;
    if (!p->kept || p->count == p->max || p->of_kind[odd] == KEPT_OF_A_KIND) {
        p->not_kept++;
        return;
    }
    struct espi_problem *problem = &p->kept[p->count++];
    p->of_kind[odd]++;
    *problem = (struct espi_problem){
        .code = espi_odd_code(odd), .line = line, .column = column, .count = 1};
    if (len)
        memcpy(problem->where, where, len);
}
