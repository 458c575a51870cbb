#!/usr/bin/env bash
# Fetches KairosDB and what it needs at run time from its Maven artefacts into FOLDER (default .dev/kairosdb).
set -euo pipefail
source "$(dirname "$0")/common.sh"
folder=${1:-$root/.dev/kairosdb}
pom=$root/packaging/kairosdb/pom.xml

verify=$root/packaging/kairosdb/verify.sh

cmp -s "$pom" "$folder/pom.xml" && "$verify" "$folder/lib" && exit 0
say "fetching KairosDB (about 40 MB, once) into $folder"
command -v mvn >/dev/null || fail "Maven is missing" "packaging/steps/apt.sh kairosdb"
rm -rf "$folder"
mkdir -p "$folder"
retry mvn -B -ntp -f "$pom" dependency:copy-dependencies -DincludeScope=runtime \
    -DoutputDirectory="$folder/lib" >"$folder/maven.log" 2>&1 ||
    fail "Maven cannot fetch KairosDB: $(tail -n 3 "$folder/maven.log")" \
        "check the network and ~/.m2/settings.xml, then run this again"
"$verify" "$folder/lib" || {
    rm -rf "${folder:?}/lib"
    fail "what Maven fetched is not what packaging/kairosdb/sha256sums lists" \
        "ask who changed it: the repository that Maven uses, or pom.xml without the sums"
}
cp "$pom" "$folder/pom.xml"
