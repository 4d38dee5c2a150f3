//! What comes out: sizes, numbers, formats, names, and nothing of where it came from.
use super::*;
use bytes::Bytes;
use inkwire_core::{JobId, Time};
use proptest::prelude::*;

const RED: [u8; 3] = [200, 30, 30];
const BLUE: [u8; 3] = [30, 30, 200];

/// Something with edges and gradients, so that encoders have work.
fn scene(width: u32, height: u32) -> Picture {
    let pixel = |x: u32, y: u32| {
        let byte = |n: u32| u8::try_from(n % 256).unwrap();
        [byte(x * 3 + y), byte((x / 8 * 37) ^ (y / 8 * 11)), byte(x * y / 7)]
    };
    let pixels = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
    Picture::new(width, height, false, pixels).unwrap()
}

fn at(picture: &Picture, x: u32, y: u32) -> [u8; 3] {
    let start = 3 * (index(y) * index(picture.width) + index(x));
    picture.pixels[start..start + 3].try_into().unwrap()
}

fn limits() -> Limits {
    Limits::default()
}

#[test]
fn lossless_there_and_back() {
    let opaque = scene(37, 21);
    assert_eq!(decode(&encode_png(&opaque).unwrap(), &limits()).unwrap(), opaque);
    let pixels = opaque.pixels.iter().flat_map(|&b| [b, b, b, 255 - b]).take(37 * 21 * 4).collect();
    let glass = Picture::new(37, 21, true, pixels).unwrap();
    assert_eq!(decode(&encode_png(&glass).unwrap(), &limits()).unwrap(), glass);
}

#[test]
fn lossy_there_and_back() {
    let plain = Picture::plain(64, 48, RED);
    for bytes in [encode_webp(&plain, 80.0).unwrap(), encode_jpeg(&plain, 85).unwrap()] {
        let back = decode(&bytes, &limits()).unwrap();
        assert_eq!((back.width, back.height, back.alpha), (64, 48, false));
        let near = |(a, b): (&u8, &u8)| a.abs_diff(*b) < 8;
        assert!(back.pixels.iter().zip(&plain.pixels).all(near));
    }
}

#[test]
fn transparency_stands_before_a_backdrop() {
    let pixels = vec![255, 0, 0, 255, 255, 0, 0, 0, 255, 0, 0, 128];
    let glass = Picture::new(3, 1, true, pixels).unwrap();
    assert_eq!(glass.flat([0, 0, 200]).pixels, [255, 0, 0, 0, 0, 200, 128, 0, 100]);
}

#[test]
fn pixels_must_fill_the_picture() {
    assert!(Picture::new(2, 2, false, vec![0; 12]).is_ok());
    for (width, height, length) in [(2, 2, 11), (2, 2, 16), (0, 2, 0), (u32::MAX, u32::MAX, 3)] {
        assert!(Picture::new(width, height, false, vec![0; length]).is_err());
    }
}

#[test]
fn grids_have_equal_cells() {
    let shape = |count: usize, width, height| {
        let made = grid(&vec![Picture::plain(width, height, RED); count]).unwrap();
        (made.width, made.height)
    };
    let table = [
        (1, (100, 100), (100, 100)),
        (2, (100, 100), (204, 100)),
        (2, (100, 150), (204, 150)),
        (2, (150, 100), (150, 204)),
        (3, (100, 100), (204, 204)),
        (4, (150, 100), (304, 204)),
        (5, (100, 100), (308, 204)),
        (9, (100, 100), (308, 308)),
        (12, (100, 100), (412, 308)),
    ];
    for (count, (width, height), expected) in table {
        assert_eq!(shape(count, width, height), expected, "{count} of {width}x{height}");
    }
    assert!(grid(&[]).is_err());
    assert!(grid(&vec![Picture::plain(1, 1, RED); 65]).is_err());
}

#[test]
fn parts_lie_where_their_numbers_say() {
    let made = grid(&[Picture::plain(100, 100, RED), Picture::plain(100, 100, BLUE)]).unwrap();
    assert_eq!(at(&made, 99, 99), RED);
    assert_eq!(at(&made, 104, 99), BLUE);
    let gutter = at(&made, 101, 50);
    assert!(gutter != RED && gutter != BLUE);
    let plate = |left: u32| -> Vec<_> {
        (2..16)
            .flat_map(|y| (2..12).map(move |x| (x, y)))
            .map(|(x, y)| at(&made, left + x, y))
            .collect()
    };
    assert!(plate(0).iter().all(|pixel| *pixel != RED), "a plate covers the corner");
    assert_ne!(plate(0), plate(104), "each has its own number");
}

#[test]
fn a_smaller_part_stands_in_the_middle() {
    let made = grid(&[Picture::plain(100, 100, RED), Picture::plain(60, 100, BLUE)]).unwrap();
    assert_eq!((made.width, made.height), (204, 100));
    assert_eq!(at(&made, 104 + 20, 99), BLUE);
    assert_eq!(at(&made, 104 + 79, 99), BLUE);
    assert_ne!(at(&made, 104 + 80, 99), BLUE);
}

#[test]
fn thumbnails_keep_their_shape() {
    let table =
        [((1024, 512), 256, (256, 128)), ((30, 20), 256, (30, 20)), ((8192, 1), 64, (64, 1))];
    for ((width, height), side, expected) in table {
        let made = thumbnail(&Picture::plain(width, height, RED), side).unwrap();
        assert_eq!((made.width, made.height), expected);
        assert_eq!(at(&made, 0, 0), RED);
    }
}

#[test]
fn ladder_ends_within_its_limit() {
    let picture = scene(400, 300);
    let full = encode_webp(&picture, 80.0).unwrap();
    let all = ["image/webp", "image/jpeg", "image/png"];
    let check = |max: usize, formats: &[&str], expected: Option<&str>| {
        let found = fit(&picture, u64::try_from(max).unwrap(), formats);
        assert_eq!(found.as_ref().map(|(mime, _)| *mime), expected, "{max} in {formats:?}");
        let Some((_, bytes)) = found else { return };
        assert!(bytes.len() <= max);
        let back = decode(&bytes, &limits()).unwrap();
        assert!(back.width.abs_diff(back.height * 4 / 3) <= 3, "same shape");
    };
    check(full.len(), &all, Some("image/webp"));
    check(full.len() - 1, &all, Some("image/webp"));
    check(full.len() / 8, &all, Some("image/webp"));
    check(1 << 20, &["image/jpeg"], Some("image/jpeg"));
    check(9_000, &["image/jpeg", "image/png"], Some("image/jpeg"));
    check(20_000, &["image/png"], Some("image/png"));
    check(50, &all, None);
    check(1 << 20, &["image/avif"], None);
    check(1 << 20, &[], None);
    assert_eq!(fit(&picture, u64::MAX, &all).unwrap().1, full, "the best comes first");
}

#[test]
fn empty_pictures_are_noticed() {
    assert!(blank(&Picture::plain(64, 64, [0; 3])));
    assert!(blank(&Picture::plain(64, 64, RED)));
    assert!(!blank(&scene(64, 64)));
    let mut one = Picture::plain(64, 64, [0; 3]);
    one.pixels[999] = 40;
    assert!(!blank(&one));
}

#[test]
fn placeholders_are_stable() {
    let hash = blurhash(&scene(300, 200)).unwrap();
    assert!(hash.len() == 28 && hash.starts_with('L'), "4x3 components: {hash}");
    assert_eq!(hash, blurhash(&scene(300, 200)).unwrap());
    let mut colours = [0; 4 * 4];
    blurhash::decode_into(&mut colours, &blurhash(&Picture::plain(9, 9, BLUE)).unwrap(), 2, 2, 1.0)
        .unwrap();
    assert!(colours[0] < 60 && colours[1] < 60 && colours[2] > 180, "{colours:?}");
}

/// A PNG as an engine writes it, with its whole workflow in a text.
fn engine_png(picture: &Picture) -> Vec<u8> {
    let png = encode_png(picture).unwrap();
    let text = super::bombs::chunk(*b"tEXt", b"workflow\0{\"secret\": \"/models/private\"}");
    [&png[..33], &text, &png[33..]].concat()
}

#[test]
fn processing_leaves_the_workflow_behind() {
    let bytes = engine_png(&scene(700, 350));
    let made = process(&bytes, 80.0).unwrap();
    assert_eq!((made.width, made.height), (700, 350));
    assert_eq!((made.thumbnail.width, made.thumbnail.height), (512, 256));
    assert!(!made.blank);
    let says = |file: &[u8], word: &[u8]| file.windows(word.len()).any(|found| found == word);
    assert!(says(&bytes, b"secret"));
    for file in [&made.webp, &made.thumbnail.webp] {
        assert!(!says(file, b"secret") && !says(file, b"workflow"));
        assert!(!says(file, b"EXIF") && !says(file, b"XMP"));
        assert!(decode(file, &limits()).is_ok());
    }
}

#[tokio::test]
async fn a_studio_makes_pictures_and_grids() {
    let studio = Studio::new(1, 80);
    let bytes = Bytes::from(engine_png(&scene(64, 64)));
    assert_eq!(studio.process(bytes.clone()).await.unwrap(), process(&bytes, 80.0).unwrap());
    let made = studio.grid(vec![bytes.clone(); 4]).await.unwrap();
    assert_eq!((made.width, made.height), (132, 132));
    let (mime, small) = studio.fit(bytes, 600, &["image/webp"]).await.unwrap().unwrap();
    assert!(mime == "image/webp" && small.len() <= 600);
    assert_eq!(studio.process(Bytes::from_static(b"<html>")).await, Err(PictureError::Unknown));
}

#[test]
fn work_asks_for_memory_by_its_pixels() {
    let need = |sides: &[(u32, u32)]| {
        let headers =
            sides.iter().map(|(width, height)| bombs::ihdr(*width, *height, 8, 2, 0).into());
        studio::need(&headers.collect::<Vec<Bytes>>())
    };
    assert_eq!(need(&[(64, 64)]), Ok(1));
    assert_eq!(need(&[(1024, 1024)]), Ok(9));
    assert_eq!(need(&[(1024, 1024); 4]), Ok(21), "the parts one by one, and the sheet");
    assert_eq!(need(&[(4096, 4096); 64]), Ok(129), "never more than there is");
    assert_eq!(need(&[(64, 64), (9000, 64)]), Err(PictureError::TooLarge("side")));
}

#[tokio::test]
async fn a_panic_is_an_error_and_frees_its_seat() {
    let studio = Studio::new(1, 80);
    for _ in 0..3 {
        let lost = studio.work(1, || -> Result<(), _> { panic!("codec") }).await;
        assert_eq!(lost, Err(PictureError::Panicked));
    }
    assert_eq!(studio.work(1, || Ok(7)).await, Ok(7));
}

#[tokio::test]
async fn work_goes_on_one_at_a_time_when_its_caller_is_gone() {
    let studio = Studio::new(1, 80);
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let first = tokio::spawn({
        let studio = studio.clone();
        async move {
            let work = move || {
                begun.send(()).unwrap();
                held.recv().unwrap();
                Ok(())
            };
            studio.work(1, work).await
        }
    });
    has_begun.await.unwrap();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let mut second = Box::pin(studio.work(1, || Ok(())));
    assert!(futures_util::poll!(&mut second).is_pending(), "the seat is still taken");
    release.send(()).unwrap();
    assert_eq!(second.await, Ok(()));
}

#[test]
fn names_tell_day_job_and_prompt() {
    let noon = Time(1_795_176_000_000);
    let name = |image, prompt: &str, mime| {
        naming::file_name(noon, &JobId::from("k7f"), image, Some(prompt), mime)
    };
    assert_eq!(name(2, "a red fox", "image/webp"), "2026-11-20_k7f-2_a-red-fox.webp");
    assert_eq!(name(0, "A  Red, FOX!", "image/png"), "2026-11-20_k7f_a-red-fox.png");
    assert_eq!(name(1, "", "image/jpeg"), "2026-11-20_k7f-1.jpg");
    assert_eq!(name(1, "красная лиса", "video/mp4"), "2026-11-20_k7f-1.mp4");
    assert_eq!(name(1, "../../etc/passwd\r\n\0\"", "text/html"), "2026-11-20_k7f-1_etc-passwd.bin");
    let private = naming::file_name(Time(0), &JobId::from("a"), 1, None, "image/webp");
    assert_eq!(private, "1970-01-01_a-1.webp");
    let leap = naming::file_name(Time(951_782_400_000), &JobId::from("a"), 0, None, "image/webp");
    assert_eq!(leap, "2000-02-29_a.webp");
}

proptest! {
    #[test]
    fn names_are_short_and_plain(
        time in 0_u64..=u64::MAX, job in ".{0,60}", image: u16, prompt in ".{0,200}", mime in ".{0,20}",
    ) {
        let name = naming::file_name(Time(time % 253_402_300_800_000), &JobId(job), image, Some(&prompt), &mime);
        prop_assert!(name.len() <= 80);
        prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)));
        prop_assert!(!name.starts_with(['.', '-']) && !name.contains(".."));
    }

    #[test]
    fn grids_stay_within_what_can_be_decoded(sizes in prop::collection::vec((1_u32..=8192, 1_u32..=8192), 1..=64)) {
        let (width, height) = grid::Layout::of(&sizes).unwrap().size;
        prop_assert!(width <= 8192 && height <= 8192);
        prop_assert!(u64::from(width) * u64::from(height) <= 1 << 24);
    }

    #[test]
    fn anything_after_a_signature_is_survived(head in 0_usize..3, tail in prop::collection::vec(any::<u8>(), 0..400)) {
        let heads: [&[u8]; 3] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBPVP8 "];
        let bytes = [heads[head], &tail].concat();
        prop_assert!(decode(&bytes, &limits()).is_err());
    }
}
