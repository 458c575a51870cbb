/* Reads captured messages on standard input, writes each decoded and encoded again: for tests in
 * Python. */
#include <stdio.h>

#include "message_json.h"
#include "common/celery/task_message.h"

static const struct task_message_limits limits = {.max_bytes = 1 << 20, .max_depth = 64};

/* {"name", "serializer", "envelope"} or {"name", "error"} */
static json_t *again(const json_t *one, const char *serializer, int64_t now_ms)
{
    struct err e = {0};
    struct message in CLEANUP(message_free) = message_of_json(json_object_get(one, "envelope"));
    struct message out CLEANUP(message_free) = {.priority = -1};
    struct task_message m CLEANUP(task_message_free) = {0};
    json_t *name = json_object_get(one, "name");
    if (!task_message_decode(&in, &limits, &m, &e) ||
        !task_message_encode(&m, serializer, now_ms, &out, &e))
        return json_pack("{s:O, s:s, s:s}", "name", name, "error", e.code, "text", e.text);
    return json_pack("{s:O, s:s, s:o}", "name", name, "serializer", serializer, "envelope",
                     message_to_json(&out));
}

int main(int argc, char **argv)
{
    int64_t now_ms = argc > 1 ? strtoll(argv[1], NULL, 10) : 0;
    json_error_t error;
    size_t i;
    json_t *one, *cases = json_loadf(stdin, 0, &error), *made = json_array();
    if (!cases) {
        fprintf(stderr, "line %d: %s\n", error.line, error.text);
        return 2;
    }
    json_array_foreach(cases, i, one) {
        json_array_append_new(made, again(one, "json", now_ms));
        json_array_append_new(made, again(one, "msgpack", now_ms));
    }
    int result = json_dumpf(made, stdout, 0);
    json_decref(made);
    json_decref(cases);
    return result ? 1 : 0;
}
