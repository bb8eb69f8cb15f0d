#!/usr/bin/env bash
# Runs the main job on the local AWS: plan, apply, status, plan again, outputs, destroy. Touches no real account.
#
#   ./demo.sh [CONFIGURATION]     default: examples/domino-test-cluster.yaml
#
# Needs Rust and Python 3; prepares everything else by itself. Ends the processes that it starts.
set -euo pipefail
cd "$(dirname "$0")"

configuration=${1:-examples/domino-test-cluster.yaml}
scale=${DEMO_SCALE:-0.02} # of AWS's durations: a cluster takes 11 s instead of 9 minutes
target=${CARGO_TARGET_DIR:-$PWD/target}

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
need() { command -v "$1" >/dev/null || { echo "demo.sh needs $1: $2" >&2; exit 1; }; }
need cargo "install Rust, for example with rustup"
need python3 "install Python 3.10 or newer"
[ -f "$configuration" ] || { echo "demo.sh: there is no file $configuration" >&2; exit 1; }

say "Building domino-eks (the first time some ten minutes on two cores: the AWS SDK is large)"
cargo build --quiet
binary=$target/debug/domino-eks

say "Preparing the local AWS"
python=$(python3 tests/emulator/prepare.py "$target/emulator-venv")

mkdir -p "$target/demo"
folder=$(mktemp -d "$target/demo/$(date +%Y%m%d-%H%M%S)-XXXX")
cp "$configuration" "$folder/domino-eks.yaml"
(cd tests/emulator && exec "$python" -m local_aws --port 0 --scale "$scale" --request-log "$folder/requests.ndjson" \
  --port-file "$folder/url" --parent-pid $$) >"$folder/local-aws.log" 2>&1 &
emulator=$!
trap 'kill "$emulator" 2>/dev/null || true; wait "$emulator" 2>/dev/null || true' EXIT
for _ in $(seq 600); do
  [ -s "$folder/url" ] && break
  kill -0 "$emulator" 2>/dev/null || { echo "the local AWS did not start:" >&2; cat "$folder/local-aws.log" >&2; exit 1; }
  sleep 0.1
done
[ -s "$folder/url" ] || { echo "the local AWS did not start within a minute: $folder/local-aws.log" >&2; exit 1; }

# Nothing of the user's own AWS set-up may leak in.
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_DEFAULT_REGION
export AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
AWS_ENDPOINT_URL=$(cat "$folder/url")
export DOMINO_EKS_TIME_SCALE=$scale

cluster=$(sed -n 's/^name: *//p' "$folder/domino-eks.yaml")
run() {
  printf '\n\033[1m$ domino-eks %s\033[0m\n' "$*"
  (cd "$folder" && "$binary" "$@") 2> >(tee -a "$folder/run.log" >&2) | tee -a "$folder/run.log"
}
# The live view needs the terminal itself.
run_live() {
  printf '\n\033[1m$ domino-eks %s\033[0m\n' "$*"
  (cd "$folder" && "$binary" "$@")
}

say "The configuration (AWS's durations are shortened by a factor of $scale: what is expected or usual is real AWS's time)"
grep -v '^ *#' "$folder/domino-eks.yaml"
run plan
run_live apply --yes
run status
run plan --detailed-exitcode
run outputs
run_live destroy --confirm "$cluster" --delete-data

say "Done. State, configuration and logs are in $folder"
printf 'API calls: %s, of which %s changed something.\n' "$(wc -l <"$folder/requests.ndjson")" \
  "$(grep -c '"mutating": *true' "$folder/requests.ndjson")"
