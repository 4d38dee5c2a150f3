//! Colours and subjects out of the words of a prompt.
use super::noise::{Dice, lerp, seed_of};

/// Red, green and blue from 0 to 1.
pub(super) type Color = [f32; 3];

/// The colours of one scene.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    pub(super) zenith: Color,
    pub(super) middle: Color,
    pub(super) horizon: Color,
    /// The sun or the moon.
    pub(super) light: Color,
    pub(super) far: Color,
    pub(super) near: Color,
    /// How many stars, from 0 to 1.
    pub(super) stars: f32,
}

/// What a scene shows besides hills.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // independent of each other: any may stand beside any
pub(super) struct Subjects {
    pub(super) animal: bool,
    pub(super) city: bool,
    pub(super) trees: bool,
    pub(super) water: bool,
    pub(super) peaks: bool,
    pub(super) boat: bool,
}

/// A warm evening.
const DUSK: Palette = Palette {
    zenith: rgb(0x2B_1B_3D),
    middle: rgb(0xB8_3B_4B),
    horizon: rgb(0xFF_B3_6B),
    light: rgb(0xFF_E3_A8),
    far: rgb(0xB2_5A_5A),
    near: rgb(0x1E_0F_1F),
    stars: 0.25,
};

/// Words and the colours they call for.
const MOODS: &[(&[&str], Palette)] = &[
    (&["red", "fox", "sunset", "fire", "autumn", "orange", "dragon", "dusk", "warm", "lava"], DUSK),
    (
        &["sea", "ocean", "beach", "wave", "boat", "ship", "lake", "blue", "water", "island"],
        Palette {
            zenith: rgb(0x1B_4F_8A),
            middle: rgb(0x5F_A8_D3),
            horizon: rgb(0xFB_E7_C6),
            light: rgb(0xFF_F6_DC),
            far: rgb(0x6F_97_B5),
            near: rgb(0x0E_2A_3F),
            stars: 0.0,
        },
    ),
    (
        &["forest", "green", "tree", "wood", "jungle", "garden", "moss", "meadow", "elf"],
        Palette {
            zenith: rgb(0x4C_7F_7A),
            middle: rgb(0x9C_C5_A1),
            horizon: rgb(0xF5_F0_C9),
            light: rgb(0xFF_FB_E0),
            far: rgb(0x86_AF_97),
            near: rgb(0x0F_2A_1F),
            stars: 0.0,
        },
    ),
    (
        &["night", "star", "moon", "dark", "space", "galaxy", "wizard", "dream", "midnight"],
        Palette {
            zenith: rgb(0x07_0B_24),
            middle: rgb(0x1F_2A_5C),
            horizon: rgb(0x5B_6F_A8),
            light: rgb(0xF1_F0_DF),
            far: rgb(0x36_44_78),
            near: rgb(0x05_08_18),
            stars: 1.0,
        },
    ),
    (
        &["city", "cyberpunk", "neon", "street", "robot", "town", "tokyo", "skyline", "future"],
        Palette {
            zenith: rgb(0x12_0B_33),
            middle: rgb(0x6A_2B_86),
            horizon: rgb(0xFF_7E_A8),
            light: rgb(0xFF_D1_E0),
            far: rgb(0x6B_3C_8C),
            near: rgb(0x0D_09_22),
            stars: 0.5,
        },
    ),
    (
        &["snow", "winter", "ice", "white", "mountain", "cold", "wolf", "penguin", "arctic"],
        Palette {
            zenith: rgb(0x3E_5C_8A),
            middle: rgb(0x9D_B7_D8),
            horizon: rgb(0xF8_DD_D8),
            light: rgb(0xFF_F4_E8),
            far: rgb(0xA9_BC_D6),
            near: rgb(0x1C_2C_48),
            stars: 0.1,
        },
    ),
    (
        &["desert", "gold", "yellow", "sand", "sun", "lion", "wheat", "honey", "savanna"],
        Palette {
            zenith: rgb(0x3F_6C_8F),
            middle: rgb(0xE3_B0_6A),
            horizon: rgb(0xFF_E7_AE),
            light: rgb(0xFF_FA_DE),
            far: rgb(0xD0_96_5C),
            near: rgb(0x3B_1E_14),
            stars: 0.0,
        },
    ),
    (
        &["pink", "flower", "cherry", "spring", "love", "princess", "purple", "magic", "unicorn"],
        Palette {
            zenith: rgb(0x5A_4E_9C),
            middle: rgb(0xD8_8F_C4),
            horizon: rgb(0xFF_DC_D2),
            light: rgb(0xFF_F5_E6),
            far: rgb(0xA8_82_BA),
            near: rgb(0x2A_18_40),
            stars: 0.3,
        },
    ),
];

const fn rgb(hex: u32) -> Color {
    let [_, red, green, blue] = hex.to_be_bytes();
    [part(red), part(green), part(blue)]
}

#[allow(clippy::as_conversions, clippy::cast_lossless)] // `From` is not allowed in a constant
const fn part(byte: u8) -> f32 {
    byte as f32 / 255.0
}

/// The colours for a prompt: the mood most of its words ask for, each seed a little different.
pub(super) fn palette(prompt: &str, dice: &mut Dice) -> Palette {
    let words = words(prompt);
    let score = |mood: &&(&[&str], Palette)| words.iter().filter(|w| has(mood.0, w)).count();
    let best = MOODS.iter().rev().max_by_key(score).filter(|mood| score(mood) > 0);
    let length = u64::try_from(MOODS.len()).unwrap_or(1);
    let any = usize::try_from(seed_of(prompt) % length).unwrap_or_default();
    let palette = best.or(MOODS.get(any)).map_or(DUSK, |(_, palette)| *palette);
    let shift = dice.between(-0.35, 0.35);
    let turned = |color| turned(color, shift);
    Palette {
        zenith: turned(palette.zenith),
        middle: turned(palette.middle),
        horizon: turned(palette.horizon),
        far: turned(palette.far),
        near: turned(palette.near),
        ..palette
    }
}

/// What the words of a prompt name; chance decides where they are silent.
pub(super) fn subjects(prompt: &str, dice: &mut Dice) -> Subjects {
    let words = words(prompt);
    let named = |list: &[&str]| words.iter().any(|word| has(list, word));
    let city = named(&["city", "cyberpunk", "street", "town", "skyline", "tokyo", "neon"]);
    let animal = named(&["fox", "wolf", "cat", "dog", "kitten", "puppy", "animal"]);
    let chance = dice.roll();
    Subjects {
        animal,
        city,
        trees: !city
            && (named(&["forest", "tree", "wood", "fox", "wolf", "autumn", "elf", "winter"])
                || chance > 0.5),
        water: named(&[
            "sea", "ocean", "lake", "water", "beach", "boat", "ship", "sail", "river", "island",
        ]) || chance < 0.45,
        boat: named(&["boat", "ship", "sail", "yacht", "pirate"]),
        peaks: named(&["mountain", "snow", "ice", "dragon", "winter", "castle"])
            // Peaks by chance would hide the sun behind the animal.
            || !animal && (0.3..0.7).contains(&chance),
    }
}

fn words(prompt: &str) -> Vec<String> {
    let split = prompt.split(|letter: char| !letter.is_alphanumeric());
    split.filter(|word| !word.is_empty()).take(200).map(str::to_lowercase).collect()
}

/// Whether the list has this word, or its singular.
fn has(list: &[&str], word: &str) -> bool {
    let single = word.strip_suffix('s').unwrap_or(word);
    let stem = word.strip_suffix("es").or(word.strip_suffix('y')).unwrap_or(word);
    list.iter().any(|entry| [word, single, stem].contains(entry))
}

/// A color with its hue turned by an angle.
fn turned([red, green, blue]: Color, angle: f32) -> Color {
    let (sin, cos) = angle.sin_cos();
    let (a, b) = ((1.0 - cos) / 3.0, sin / 3.0_f32.sqrt());
    let mixed = |x: f32, y: f32, z: f32| x * (cos + a) + y * (a - b) + z * (a + b);
    [mixed(red, green, blue), mixed(green, blue, red), mixed(blue, red, green)]
        .map(|part| part.clamp(0.0, 1.0))
}

/// A color between two others.
pub(super) fn blend([r, g, b]: Color, [red, green, blue]: Color, part: f32) -> Color {
    [lerp(r, red, part), lerp(g, green, part), lerp(b, blue, part)]
}
