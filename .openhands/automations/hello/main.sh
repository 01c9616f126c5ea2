#!/usr/bin/env bash
# The smallest automation that does everything: it reads an input, looks at the repository, and reports a result.
set -euo pipefail

greeting="Hello, ${AUTOMATION_INPUT_WHO}!"
echo "$greeting"
for second in 1 2 3; do
  echo "working, step $second of 3"
  sleep 0.3
done

files=0
if [ -n "${AUTOMATION_REPO_DIR:-}" ]; then
  files=$(find "$AUTOMATION_REPO_DIR" -type f | wc -l | tr -d ' ')
  echo "this repository has $files files at ${AUTOMATION_SHA:0:12}"
fi

cat > "$AUTOMATION_SUMMARY" <<SUMMARY
**$greeting** This repository has $files files.
SUMMARY

escaped=${greeting//\\/\\\\}
escaped=${escaped//\"/\\\"}
cat > "$AUTOMATION_RESULT" <<RESULT
{"title": "$escaped", "outputs": {"greeting": "$escaped"}}
RESULT
