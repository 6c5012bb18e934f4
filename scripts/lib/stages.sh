# shellcheck shell=bash
# Runs stages and counts what they ran. A stage is a function; its output is shown and kept.

passed=0
failed=0
skipped=0
logs=$root/target/test-logs

# run_stage NAME KIND FUNCTION: KIND says what to count:
#   check    the stage itself, as one
#   nextest  the tests of its "Summary" lines; "skipped: " lines within tests from the JUnit file
#   libtest  the tests of its "test result" lines
run_stage() {
    local name=$1 kind=$2 function=$3 log=$logs/$1.log start=$SECONDS status=0 before=$failed
    printf '\n== %s\n' "$name"
    mkdir -p "$logs"
    # In a process of its own, so that what it sets and where it goes stay there. Not behind
    # "if" or "||": bash would then forget about "set -e" within.
    set +e
    (
        set -euo pipefail
        cd "$root"
        "$function"
    ) </dev/null 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    set -e
    case $kind in
        check) if [ "$status" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi ;;
        nextest) count_nextest "$log" "$start" ;;
        libtest) count_libtest "$log" ;;
    esac
    # A stage that broke before it could count a failure is one.
    if [ "$status" -ne 0 ] && [ "$failed" -eq "$before" ]; then
        failed=$((failed + 1))
    fi
    if [ "$status" -eq 0 ]; then status=ok; else status="FAILED ($status)"; fi
    printf -- '-- %s: %s, %d s\n' "$name" "$status" "$((SECONDS - start))"
}

# skip_stage NAME REASON
skip_stage() {
    skipped=$((skipped + 1))
    printf '\nskipped: %s: %s\n' "$1" "$2"
}

# sum_field LOG LINES FIELD: adds up the numbers before the word FIELD in the lines that match.
sum_field() {
    sed 's/\x1b\[[0-9;]*m//g' "$1" | awk -v lines="$2" -v field="$3" '
        $0 ~ lines { for (i = 2; i <= NF; i++) if ($i ~ "^" field "[,;).]*$") { n = $(i - 1); gsub(/[^0-9]/, "", n); sum += n } }
        END { print sum + 0 }'
}

count_nextest() {
    local log=$1 line within
    local good bad idle
    good=$(sum_field "$log" '^ *Summary \[' passed)
    bad=$(($(sum_field "$log" '^ *Summary \[' failed) + $(sum_field "$log" '^ *Summary \[' 'timed') + $(sum_field "$log" '^ *Summary \[' 'exec')))
    idle=$(sum_field "$log" '^ *Summary \[' skipped)
    if [ "$idle" -gt 0 ]; then
        echo "skipped: $idle tests: filtered or marked #[ignore]"
    fi
    within=0
    while IFS= read -r line; do
        echo "$line"
        within=$((within + 1))
    done < <(skips_within)
    passed=$((passed + good - within))
    failed=$((failed + bad))
    skipped=$((skipped + idle + within))
}

# skips_within: "skipped: TEST: REASON" for tests that found out while they ran.
skips_within() {
    # Below the workspace even where CARGO_TARGET_DIR says otherwise.
    local junit=$root/target/nextest/all/junit.xml
    [ -f "$junit" ] || return 0
    awk '
        match($0, /<testcase name="[^"]*"/) { test = substr($0, RSTART + 16, RLENGTH - 17) }
        match($0, /(^|>)skipped: .*/) {
            reason = substr($0, RSTART, RLENGTH); sub(/^.*skipped: /, "", reason); sub(/<.*/, "", reason)
            if (test != "") print "skipped: " test ": " reason
            test = ""
        }' "$junit"
    rm -f "$junit"
}

count_libtest() {
    passed=$((passed + $(sum_field "$1" '^test result:' passed)))
    failed=$((failed + $(sum_field "$1" '^test result:' failed)))
    local idle
    idle=$(($(sum_field "$1" '^test result:' ignored) + $(sum_field "$1" '^test result:' filtered)))
    [ "$idle" -eq 0 ] || echo "skipped: $idle tests: marked #[ignore], or named by the stage with the reason"
    skipped=$((skipped + idle))
}
