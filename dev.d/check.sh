# shellcheck shell=bash
# Lints and tests. A step that fails ends the run, except for the tests: those all run, and are counted together.

current_step=
rust_report=target/nextest/default/junit.xml
browser_report="$root/target/playwright.json"

trap '[[ $? -eq 0 || -z $current_step ]] || say "failed: $current_step"' EXIT

# step NAME COMMAND…: must not stand in a condition, since bash would go on after a failure inside of it.
step() {
  local started=$SECONDS
  current_step=$1
  shift
  say "=== $current_step"
  "$@"
  say "=== $current_step: $((SECONDS - started)) s"
  current_step=
}

# forbid WHY PATTERN FOLDER…: in Rust sources.
forbid() {
  local why=$1 pattern=$2
  shift 2
  if grep -rnE --include='*.rs' -- "$pattern" "$@" >&2; then die "$why"; fi
}

check_text() {
  forbid "text is only ever set as text nodes: no inner_html" 'inner_html' app frontend server
  forbid "no test is skipped: no #[ignore]" '#\[ignore' app frontend server protocol migration bench
  if grep -rnIE '^(<{7}|>{7})( |$)' --exclude-dir={.git,target,node_modules,data} . >&2; then
    die "these merge conflicts are not resolved"
  fi
  note_long_files
}

note_long_files() {
  local lines file limit
  while read -r lines file; do
    limit=300
    [[ $file != */tests/* && $file != *tests.rs ]] || limit=600
    ((lines <= limit)) || say "note: $file has $lines lines, split it above $limit"
  done < <(find app frontend server protocol migration bench -name '*.rs' -exec wc -l {} + | grep -v ' total$')
}

# In the release profile, so that build scripts and procedural macros are those of the build (SQLite is C: a minute).
clippy_native() {
  mkdir -p target/site
  cargo clippy "${locked[@]}" "${native[@]}" --all-targets -- -D warnings
}

# The folder and the profile of cargo-leptos' own build, for the same reason. It lints `app` and `protocol` for wasm32, too.
clippy_wasm() {
  cargo clippy "${locked[@]}" -p frontend --target wasm32-unknown-unknown --profile wasm-release \
    --target-dir "$CARGO_TARGET_DIR/front" -- -D warnings
}

check_dependencies() {
  cargo fetch "${locked[@]}"
  cargo deny --offline check bans licenses sources
  local crate
  for crate in aws-lc-rs openssl-sys; do
    if cargo tree --workspace -i "$crate" 2>/dev/null | grep . >&2; then die "$crate must not be in the tree: rustls with ring is enough"; fi
  done
}

check_lock_file() {
  cargo metadata "${locked[@]}" --format-version 1 >/dev/null || die "Cargo.lock does not fit Cargo.toml: run 'cargo metadata' and commit it"
}

lint() {
  claim_target_folder
  step "lock file" check_lock_file
  step "formatting" cargo fmt --all --check
  step "texts" check_text
  step "clippy" clippy_native
  step "clippy for wasm32" clippy_wasm
  step "dependencies" check_dependencies
}

tests_failed=

rust_tests() {
  rm -f "$rust_report"
  SPHERE_BIN="$binary" SPHERE_FAULTS_BIN="$faulty_binary" \
    cargo nextest run "${locked[@]}" "${native[@]}" 9>&- || tests_failed=yes
}

# npm ci throws node_modules away first, so it only runs when package-lock.json is another than last time.
install_browser_tests() {
  [[ -f end2end/package-lock.json ]] || die "end2end/package-lock.json is missing: the browser tests are part of the tests"
  local sum mark=end2end/node_modules/.sphere-lock
  sum=$(sha256sum end2end/package-lock.json)
  [[ -f $mark && $(<"$mark") == "$sum" ]] && return
  PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --prefix end2end --no-audit --no-fund --loglevel=error >&2
  echo "$sum" >"$mark"
}

playwright() {
  (cd end2end && SPHERE_BIN="$binary" node_modules/.bin/playwright test "$@" 9>&-)
}

browser_tests() {
  install_browser_tests
  npm run --silent check --prefix end2end || tests_failed=yes
  rm -f "$browser_report"
  PLAYWRIGHT_JSON_OUTPUT_FILE="$browser_report" playwright --forbid-only --retries=0 --reporter=list,json || tests_failed=yes
}

# e2e [ARGS]: with SPHERE_BIN set, that binary is tested and nothing is built.
e2e() {
  if [[ -n ${SPHERE_BIN:-} ]]; then
    binary=$SPHERE_BIN
    need_node
  else
    need_build_tools
    build
  fi
  need_chromium
  stop_if_lacking
  install_browser_tests
  [[ -f target/trunk/index.html ]] || { need_build_tools; need_trunk; stop_if_lacking; build_elsewhere; }
  use_services_for_tests
  local status=0
  playwright "$@" || status=$?
  [[ -z $services_are_ours ]] || services stop
  return $status
}

audit() {
  need_rust_tools
  need_deny
  cargo deny check advisories
}

# Real Redis, PostgreSQL and Kafka: those that run already stay, those that were started here end with the tests.
use_services_for_tests() {
  services status >/dev/null || services_are_ours=yes
  use_services
}

services_are_ours=

run_everything() {
  local started=$SECONDS
  step "tools" need_build_tools
  step "test tools" need_test_tools
  lint
  step "build" build
  step "client for a server elsewhere" build_elsewhere
  step "build for the checker" build_faulty
  step "services" use_services_for_tests
  step "tests in Rust" rust_tests
  step "tests in the browser" browser_tests
  [[ -z $services_are_ours ]] || services stop
  say "all of it: $((SECONDS - started)) s"
  python3 dev.d/count.py "$rust_report" "$browser_report" && [[ -z $tests_failed ]]
}
