# shellcheck shell=bash
# Builds the release binary with the client inside. Tests, browser tests and `./dev run` all use this one build.

binary_name=sphere
stamp=target/site.sha256
client_budget_kb=250

# One choice of packages for build, clippy and tests, so that cargo resolves the same features each time and compiles every
# dependency once. `app` gets its feature `ssr` from the server; its empty default feature would make another variant of it.
native=(--release --no-default-features -p server -p sphere-app -p sphere-migration -p sphere-protocol -p bench)

# Cargo tells changed files by their time only, and names what it built by the path inside of the clone. So a clone that was
# laid out before another one was built would get the other one's binary. Whoever builds second forgets what the first built.
# The shared lock, on descriptor 9, lets one clone do several things at once and makes another clone wait for them.
# Programs that are started and might stay (`9>&-`) don't get it, or they would keep it.
claim_target_folder() {
  { true >&9; } 2>/dev/null && return
  local mark="$CARGO_TARGET_DIR/.clone"
  exec 9>>"$CARGO_TARGET_DIR/.lock"
  flock --shared 9
  until [[ -f $mark && $(<"$mark") == "$root" ]]; do
    if ! flock --nonblock 9; then
      say "waiting for ./dev in another clone"
      flock 9
    fi
    forget_own_crates
    echo "$root" >"$mark"
    flock --shared 9
  done
}

forget_own_crates() {
  find "$CARGO_TARGET_DIR" -maxdepth 6 -path '*/.fingerprint/*' -type d \
    \( -name 'server-*' -o -name 'sphere-*' -o -name 'frontend-*' -o -name 'bench-*' \) -prune -exec rm -rf {} +
}

# The client is current when nothing that goes into it is newer, and when the folder still holds what was built:
# `cargo leptos watch` puts its debug client into the same place.
client_is_current() {
  local inputs=(app frontend protocol style public Cargo.* .cargo rust-toolchain.toml dev.d/build.sh dev.d/tools.sh)
  [[ -f $stamp ]] && sha256sum --check --status "$stamp" &&
    [[ -z $(find "${inputs[@]}" -newer "$stamp" -print -quit) ]]
}

build_client() {
  client_is_current && return
  say "building the client"
  rm -f "$stamp"
  mkdir -p target
  local started=target/site.started
  touch "$started"
  RUST_BACKTRACE=0 cargo leptos build --release --precompress --frontend-only ${locked[0]+--cargo-locked} >&2
  find target/site -type f -exec sha256sum {} + >"$stamp"
  touch -r "$started" "$stamp"
  report_client_size
}

report_client_size() {
  local file kb total=0
  for file in target/site/pkg/*.{wasm,js,css}.br; do
    [[ -f $file ]] || continue
    kb=$((($(stat -c %s "$file") + 1023) / 1024))
    total=$((total + kb))
    say "$(printf '%4d KB  %s' "$kb" "${file#target/site/}")"
  done
  ((total <= client_budget_kb)) || say "warning: the client has $total KB, more than $client_budget_kb KB"
}

# The client alone, drawn in the browser, for a server elsewhere: files in target/trunk. A debug build unless told otherwise.
build_elsewhere() {
  claim_target_folder
  say "building the client for a server elsewhere"
  # Trunk would take NO_COLOR for its own option of that name, which wants true or false.
  env -u NO_COLOR trunk build --offline "$@" >&2 9>&-
}

# The client first: the server takes target/site into itself. `--examples` builds none, there are none; it makes cargo count
# the dev-dependencies when it chooses features. Without it the tests would compile sqlx, SeaORM and more a second time.
build() {
  claim_target_folder
  build_client
  say "building the server"
  cargo build --release "${locked[@]}" -p server --bin "$binary_name" --examples >&2
  binary="$CARGO_TARGET_DIR/release/$binary_name"
}

# The same server with the feature `faults`, which can be asked to do wrong: the checker proves with it that it would notice.
# A second binary of the same crate in the same profile, so only the crate `server` itself is compiled a second time.
build_faulty() {
  claim_target_folder
  say "building the server that can be asked to do wrong"
  cargo build --release "${locked[@]}" -p server --features faults --bin "$binary_name-faults" --examples >&2
  faulty_binary="$CARGO_TARGET_DIR/release/$binary_name-faults"
}

build_bench() {
  claim_target_folder
  say "building the checker"
  cargo build "${locked[@]}" "${native[@]}" --bin bench --examples >&2
}
