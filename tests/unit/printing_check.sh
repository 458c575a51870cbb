#!/usr/bin/env bash
# Nothing that a program prints goes round base/text.h: foreign text would reach terminals and logs as it is.
set -euo pipefail
cd "$(dirname "$0")/../.."
found=0
report() { # report WHAT LINES
    [ -z "$2" ] || { printf '%s\n%s\n' "$1" "$2"; found=1; }
}
report "prints round text_print, text_put or ctl_print_json (base/text.h, ctl/command.h):" \
    "$(grep -nE '\b(v?f?printf|puts|json_dumpf?d?|putchar)\(' ctl/*.c worker/main.c common/config/program.c || true)"
report "fputs of what is no literal: text_put (base/text.h) cleans it:" \
    "$(grep -nE '\bfputs\(([^"l]|l[^a])' ctl/*.c worker/main.c common/config/program.c |
        grep -v '^ctl/cmd_beat_import.c' || true)" # it writes configuration, escaped by settings_show_entry
report "dumps JSON that is not ASCII:" \
    "$(grep -nE 'json_dump(_callback)?\(' ctl/*.c | grep -v JSON_ENSURE_ASCII || true)"
report "quotes in a log's format: log.c sets them, and escapes what is inside:" \
    "$(grep -rnE --include='*.c' '=\\"%' common producer worker |
        grep -v '^common/\(store\|espi\|kairosdb\)/' || true)"
report "makes a curl handle that no set-up is sure of: http_new (common/http/client.h) makes them all:" \
    "$(grep -rnE --include='*.c' 'curl_easy_init' common producer worker ctl |
        grep -v '^common/http/client.c' || true)"
exit $found
