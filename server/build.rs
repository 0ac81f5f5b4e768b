//! The client's files are embedded at compile time: a new client needs a new server.

fn main() {
    println!("cargo:rerun-if-changed=../target/site");
}
