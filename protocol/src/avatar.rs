//! Generated pictures: a user's avatar and a room's tile, drawn from the id alone.
//!
//! The server renders avatars at `/avatar/{userId}.svg`; the client draws room tiles inline. The same id gives the same
//! picture everywhere and for ever, without storing one or asking a stranger's server.

use std::fmt::Write as _;

/// What fills one quarter of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A path in a square of 20, turned by `turns` × 90° around its middle.
    Path { d: &'static str, turns: u32 },
    /// A disc in the middle of the square.
    Dot { radius: &'static str },
}

/// A quarter: its shape and its corner in the picture of 40 × 40.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quarter {
    /// The shape.
    pub shape: Shape,
    /// Left edge, 0 or 20.
    pub x: u32,
    /// Top edge, 0 or 20.
    pub y: u32,
    /// Whether it takes the lightest colour.
    pub spark: bool,
}

/// A picture of 40 × 40: three colours and four quarters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Avatar {
    /// Behind everything.
    pub ground: &'static str,
    /// Of three quarters.
    pub ink: &'static str,
    /// Of the fourth.
    pub spark: &'static str,
    /// Row by row.
    pub quarters: [Quarter; 4],
}

const PALETTE: [(&str, &str, &str); 12] = [
    ("#f7abad", "#b05057", "#fef0c3"),
    ("#f6af97", "#af5636", "#eef6c8"),
    ("#ebb784", "#a36100", "#dbfbd5"),
    ("#d7c17e", "#8d6f00", "#cafee8"),
    ("#b2ce8f", "#5d8025", "#c1fdff"),
    ("#93d4a9", "#208851", "#c8f9ff"),
    ("#7ad6ca", "#00897d", "#d9f2ff"),
    ("#78d2e4", "#00859d", "#edebff"),
    ("#91c9f9", "#2179b7", "#ffe4ff"),
    ("#aebffe", "#5a6cbc", "#ffe1f8"),
    ("#d0b4f2", "#845ead", "#ffe1e0"),
    ("#edabd0", "#a55284", "#ffe8c8"),
];

const QUARTER_DISC: &str = "M0 0h20A20 20 0 0 1 0 20z";
const LEAF: &str = "M0 0h20v20A20 20 0 0 1 0 0z";
const TRIANGLE: &str = "M0 0h20L0 20z";
const RADII: [&str; 4] = ["5", "7", "8.5", "10"];

impl Avatar {
    /// The picture of an id.
    pub fn of(id: &str) -> Self {
        let hash = mix(fnv1a(id));
        let (ground, ink, spark) = PALETTE[(hash % 12) as usize];
        let quarters = std::array::from_fn(|q| {
            let bits = (hash >> (8 + 4 * q)) & 15;
            let turns = bits >> 2;
            let shape = match bits & 3 {
                0 => Shape::Path {
                    d: QUARTER_DISC,
                    turns,
                },
                1 => Shape::Path { d: LEAF, turns },
                2 => Shape::Path { d: TRIANGLE, turns },
                _ => Shape::Dot {
                    radius: RADII[turns as usize],
                },
            };
            let at = q as u32;
            Quarter {
                shape,
                x: at % 2 * 20,
                y: at / 2 * 20,
                spark: at == (hash >> 4) & 3,
            }
        });
        Self {
            ground,
            ink,
            spark,
            quarters,
        }
    }

    /// The whole picture as an SVG document. Holds no text from the id, only shapes chosen by it.
    pub fn svg(&self) -> String {
        let mut svg = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><rect width="40" height="40" fill="{}"/>"#,
            self.ground
        );
        for quarter in self.quarters {
            let fill = if quarter.spark { self.spark } else { self.ink };
            // Writing to a String cannot fail.
            let _ = match quarter.shape {
                Shape::Path { d, .. } => write!(
                    svg,
                    r#"<path fill="{fill}" d="{d}" transform="{}"/>"#,
                    quarter.transform()
                ),
                Shape::Dot { radius } => {
                    write!(
                        svg,
                        r#"<circle fill="{fill}" cx="{}" cy="{}" r="{radius}"/>"#,
                        quarter.x + 10,
                        quarter.y + 10
                    )
                }
            };
        }
        svg.push_str("</svg>");
        svg
    }
}

impl Quarter {
    /// The `transform` attribute that puts a path into its place.
    pub fn transform(&self) -> String {
        let turns = match self.shape {
            Shape::Path { turns, .. } => turns,
            Shape::Dot { .. } => 0,
        };
        format!(
            "translate({} {}) rotate({} 10 10)",
            self.x,
            self.y,
            turns * 90
        )
    }
}

/// FNV-1a, 32 bit (draft-eastlake-fnv). A picture needs an even spread, not secrecy.
fn fnv1a(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// Two rounds of MurmurHash3's finaliser: ids that differ in one digit get unlike pictures.
fn mix(mut hash: u32) -> u32 {
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_depends_on_the_id_alone() {
        assert_eq!(
            Avatar::of("anon_1_aaaaaaaaa"),
            Avatar::of("anon_1_aaaaaaaaa")
        );
        assert_ne!(
            Avatar::of("anon_1_aaaaaaaaa").svg(),
            Avatar::of("anon_1_aaaaaaaab").svg()
        );
    }

    #[test]
    fn a_picture_never_repeats_the_text_of_its_id() {
        assert!(
            !Avatar::of("\"><script>alert(1)</script>")
                .svg()
                .contains("script")
        );
    }
}
