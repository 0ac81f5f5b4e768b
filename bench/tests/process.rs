//! The check itself, as a test: a whole Sphere is broken in ten ways, and everything that was promised holds; and a Sphere
//! that is wrong is found out. `./dev test` sets what these need; `./dev bench check --short` shows more.

mod process {
    use std::process::Command;

    fn bench(arguments: &[&str]) {
        for name in [
            "SPHERE_BIN",
            "SPHERE_FAULTS_BIN",
            "KAFKA_LIBS",
            "DATABASE_URL",
        ] {
            assert!(
                std::env::var_os(name).is_some(),
                "{name} is not set: run ./dev test, or ./dev bench {}",
                arguments.join(" ")
            );
        }
        let output = Command::new(env!("CARGO_BIN_EXE_bench"))
            .args(arguments)
            .args(["--out", concat!(env!("CARGO_TARGET_TMPDIR"), "/bench")])
            .output()
            .expect("the binary of this crate");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    #[test]
    fn nothing_is_lost_doubled_or_out_of_order_while_everything_is_broken() {
        bench(&["check", "--short"]);
    }

    #[test]
    fn whoever_is_wrong_is_found_out() {
        bench(&["check", "--bite"]);
    }
}
