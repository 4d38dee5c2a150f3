//! The painter: the same order gives the same picture, any size works, the mark is there.
use proptest::prelude::*;

use super::*;

/// The share of pixels that differ between two pictures.
fn difference(one: &RgbImage, other: &RgbImage) -> f64 {
    let differing = one.pixels().zip(other.pixels()).filter(|(a, b)| a != b).count();
    f64::from(u32::try_from(differing).unwrap()) / f64::from(one.width() * one.height())
}

#[test]
fn a_picture_is_fixed_by_prompt_seed_and_size() {
    let fox = paint("a red fox", 1, 96, 64);
    assert_eq!(fox, paint("a red fox", 1, 96, 64));
    assert_eq!(fox.dimensions(), (96, 64));
    for (prompt, seed) in [("a red fox", 2), ("a red foxglove", 1), ("night over a city", 1)] {
        let other = paint(prompt, seed, 96, 64);
        assert!(difference(&fox, &other) > 0.5, "{prompt} {seed} looks the same");
    }
}

#[test]
fn words_choose_colours_and_subjects() {
    let check = |prompt: &str, expected: fn(&Subjects) -> bool| {
        let subjects = palette::subjects(prompt, &mut Dice::new(3));
        assert!(expected(&subjects), "{prompt}: {subjects:?}");
    };
    check("a red fox", |subjects| subjects.animal && subjects.trees);
    check("Foxes, at night", |subjects| subjects.animal);
    check("cyberpunk city", |subjects| subjects.city && !subjects.trees);
    check("a boat on the sea", |subjects| subjects.boat && subjects.water);
    let top = |prompt: &str| palette::palette(prompt, &mut Dice::new(1)).zenith;
    assert!(top("a starry night").iter().sum::<f32>() < top("the blue sea").iter().sum::<f32>());
}

#[test]
fn every_picture_says_that_it_is_simulated() {
    for (prompt, size) in [("a red fox", 1024_u32), ("snow", 512), ("", 256)] {
        let picture = paint(prompt, 1, size, size);
        let corner =
            (size - size / 40..size).flat_map(|y| (size * 3 / 4..size).map(move |x| (x, y)));
        let bright = corner.filter(|(x, y)| picture.get_pixel(*x, *y).0.iter().all(|c| *c > 150));
        assert!(bright.count() > 30, "no mark on {prompt:?}");
    }
}

#[test]
fn previews_are_pictures_that_get_clearer() {
    let picture = paint("a red fox", 1, 128, 96);
    let sketch = Sketch::new(&picture);
    let last = decoded(&sketch.at(8, 8, 1));
    let away = |step| {
        let preview = decoded(&sketch.at(step, 8, 1));
        preview.iter().zip(last.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>()
    };
    assert!(away(1) > away(4) && away(4) > away(7) && away(7) > 0);
}

fn decoded(jpeg: &[u8]) -> RgbImage {
    super::super::png::decode(jpeg).expect("a picture")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_order_is_painted(prompt in ".{0,40}", seed: u64, width in 1_u32..200, height in 1_u32..200) {
        prop_assert_eq!(paint(&prompt, seed, width, height).dimensions(), (width, height));
    }
}
