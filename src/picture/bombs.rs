//! Files that kill careless decoders. Each is refused for the right reason, or decoded to what a
//! viewer would show; none may panic, abort or grow.
use super::{Limits, Picture, PictureError, decode, encode_jpeg, encode_png, encode_webp};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use webpx::{Encoder, Unstoppable};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Decoded,
    Unknown,
    TooLarge,
    Malformed,
}
use Fate::{Decoded, Malformed, TooLarge, Unknown};

fn fate(bytes: &[u8]) -> Fate {
    match decode(bytes, &Limits::default()) {
        Ok(_) => Decoded,
        Err(PictureError::Unknown) => Unknown,
        Err(PictureError::TooLarge(_)) => TooLarge,
        Err(PictureError::Malformed(_) | PictureError::Panicked) => Malformed,
    }
}

fn check(name: &str, bytes: &[u8], expected: Fate) {
    assert_eq!(fate(bytes), expected, "{name}");
}

#[test]
fn png_bombs() {
    let small = encode_png(&seed()).unwrap();
    let (header, rest) = small.split_at(33);
    let after_header = |extra: &[u8]| [header, extra, rest].concat();
    let sized = |width, height, depth, kind| [&*ihdr(width, height, depth, kind, 0), rest].concat();
    let tower = deflated_zeros();

    check("plain", &small, Decoded);
    check("giant header", &sized(100_000, 100_000, 8, 2), TooLarge);
    check("largest header", &sized(u32::MAX, u32::MAX, 8, 2), TooLarge);
    check("one bit, 16k", &sized(16_384, 16_384, 1, 0), TooLarge);
    check("long and thin", &sized(8_193, 1, 8, 2), TooLarge);
    check("thin and long", &sized(1, 8_193, 8, 2), TooLarge);
    check("too many pixels", &sized(8_192, 2_049, 8, 2), TooLarge);
    check("sixteen bits of 16.7 megapixels", &sized(4_096, 4_096, 16, 6), TooLarge);
    check("interlaced lie", &[&*ihdr(4_096, 4_096, 8, 2, 1), rest].concat(), Malformed);
    check("larger than its data", &sized(4_096, 4_096, 8, 2), Malformed);
    check("no pixels", &sized(0, 5, 8, 2), Malformed);
    check("no such depth", &sized(16, 16, 3, 2), Malformed);
    check("no such kind", &sized(16, 16, 8, 5), Malformed);
    check("palette missing", &sized(16, 16, 8, 3), Malformed);
    check("cut in the header", &small[..20], Malformed);
    check("cut in the pixels", &small[..small.len() - 30], Malformed);
    check("end missing", &small[..small.len() - 12], Malformed);
    check("signature alone", &small[..8], Malformed);
    check("header twice", &[header, header, rest].concat(), Malformed);
    check("pixels missing", &[header, &chunk(*b"IEND", b"")].concat(), Malformed);
    check("unknown must-read chunk", &after_header(&chunk(*b"XXXX", b"")), Malformed);
    check("endless chunk", &after_header(b"\xff\xff\xff\xfftEXt"), Malformed);
    check("check sum of the header", &flipped(&small, 30), Malformed);
    check("check sum of the pixels", &flipped(&small, small.len() - 14), Malformed);
    check("200,000 chunks", &after_header(&chunk(*b"tEXt", b"").repeat(200_000)), TooLarge);
    check("iCCP bomb", &after_header(&chunk(*b"iCCP", &[b"x\0\0", &*tower].concat())), Decoded);
    check("zTXt bomb", &after_header(&chunk(*b"zTXt", &[b"x\0\0", &*tower].concat())), Decoded);
    let text = [b"XML:com.adobe.xmp\0\x01\0\0\0", &*tower].concat();
    check("iTXt bomb", &after_header(&chunk(*b"iTXt", &text)), Decoded);
    for kind in [*b"iCCP", *b"zTXt", *b"iTXt", *b"tEXt", *b"eXIf", *b"acTL", *b"fdAT"] {
        let seen = super::png::pixels_only(&after_header(&chunk(kind, b"x")));
        assert_eq!(seen.as_ref(), Ok(&small), "what the decoder sees");
    }
    check("endless animation", &after_header(&chunk(*b"acTL", &[0xff; 8])), Decoded);
    check("archive behind it", &[&*small, b"PK\x03\x04"].concat(), Decoded);
    check("too long a file", &after_header(&vec![0; 65 << 20]), TooLarge);
    let one = [ihdr(1, 1, 8, 0, 0), chunk(*b"IDAT", &tower), chunk(*b"IEND", b"")].concat();
    check("a tower of pixels on one", &one, Decoded);
}

#[test]
fn jpeg_bombs() {
    let small = encode_jpeg(&seed(), 85).unwrap();
    let at = |marker: u8| small.windows(2).position(|pair| pair == [0xff, marker]).unwrap();
    let (header, scan) = (at(0xc0), at(0xda));
    let end = small.len() - 2;
    let sized = |height: [u8; 2], width: [u8; 2]| {
        let mut lie = small.clone();
        lie[header + 5..header + 7].copy_from_slice(&height);
        lie[header + 7..header + 9].copy_from_slice(&width);
        lie
    };
    let inserted = |place: usize, extra: &[u8]| [&small[..place], extra, &small[place..]].concat();

    check("plain", &small, Decoded);
    check("giant header", &sized([0xff; 2], [0xff; 2]), TooLarge);
    check("height to follow", &sized([0, 0], [0, 16]), Malformed);
    check("no width", &sized([0, 16], [0, 0]), Malformed);
    check("start alone", &[0xff, 0xd8, 0xff], Malformed);
    check("cut in the tables", &small[..header - 4], Malformed);
    check("cut in the pixels", &small[..end - 9], Malformed);
    check("end missing", &small[..end], Malformed);
    check("header twice", &inserted(scan, &small[header..header + 19]), TooLarge);
    check(
        "arithmetic coding",
        &[&small[..=header], &[0xc9], &small[header + 2..]].concat(),
        Malformed,
    );
    check("2,000 comments", &inserted(2, &b"\xff\xfe\0\x02".repeat(2_000)), TooLarge);
    check("one comment", &inserted(2, b"\xff\xfe\0\x04hi"), Decoded);
    check("profile in 255 parts", &inserted(2, &profile()), Decoded);
    check(
        "exif that points nowhere",
        &inserted(2, b"\xff\xe1\0\x10Exif\0\0MM\0*\xff\xff\xff\xff"),
        Decoded,
    );
    check("segment of no length", &inserted(2, b"\xff\xfe\0\0"), Malformed);
    check("page behind it", &[&*small, b"<script>"].concat(), Decoded);
    for marker in (0xe1..=0xef).chain([0xfe]).filter(|marker| *marker != 0xee) {
        let seen = super::jpeg::pixels_only(&inserted(2, &[0xff, marker, 0, 3, 7]));
        assert_eq!(seen, super::jpeg::pixels_only(&small), "what the decoder sees");
    }
    let mut scans = small.clone();
    scans[header + 1] = 0xc2;
    let bomb = [&scans[..end], &scans[scan..end].repeat(40), &[0xff, 0xd9]].concat();
    check("41 scans", &bomb, TooLarge);
}

#[test]
fn webp_bombs() {
    let small = encode_webp(&seed(), 80.0).unwrap();
    let clear = encode_webp(&glass(), 80.0).unwrap();
    let lossless = lossless(&glass());
    let body = &small[12..];
    let canvas = |side: u8, flags: u8| riff(b"VP8X", &[flags, 0, 0, 0, side, 0, 0, side, 0, 0]);
    let wrapped = |chunks: &[&[u8]]| file(&chunks.concat());

    check("plain", &small, Decoded);
    check("transparent", &clear, Decoded);
    check("lossless", &lossless, Decoded);
    check("true canvas", &wrapped(&[&canvas(15, 0), body]), Decoded);
    check("profile", &wrapped(&[&canvas(15, 0x20), &riff(b"ICCP", &[7; 99]), body]), Decoded);
    for kind in [b"ICCP", b"EXIF", b"XMP ", b"junk"] {
        let seen = super::webp::pixels_only(&wrapped(&[&canvas(15, 0), &riff(kind, b"x"), body]));
        assert_eq!(seen.as_ref(), Ok(&small), "what the decoder sees");
    }
    check("canvas that lies", &wrapped(&[&canvas(99, 0), body]), Malformed);
    check("animated", &wrapped(&[&canvas(15, 2), &riff(b"ANIM", &[0; 6]), body]), Malformed);
    check(
        "alpha of nonsense",
        &wrapped(&[&canvas(15, 0x10), &riff(b"ALPH", &[1; 9]), body]),
        Malformed,
    );
    check("1,000 chunks", &wrapped(&[&riff(b"junk", b"").repeat(1_000), body]), TooLarge);
    check("no pixels", &wrapped(&[&canvas(15, 0)]), Malformed);
    check("largest lossless", &file(&riff(b"VP8L", b"\x2f\xff\xff\xff\x0f\0\0\0")), TooLarge);
    check(
        "largest lossy",
        &file(&riff(b"VP8 ", b"\x10\0\0\x9d\x01\x2a\xff\x3f\xff\x3f")),
        TooLarge,
    );
    check("side of nothing", &file(&riff(b"VP8 ", b"\x10\0\0\x9d\x01\x2a\0\0\x10\0")), Malformed);
    check("frame that is no key", &flipped(&small, 20), Malformed);
    check("endless chunk", &[&small[..12], b"VP8 \xff\xff\xff\xff"].concat(), Malformed);
    check("cut short", &small[..small.len() - 20], Malformed);
    check("head alone", &small[..12], Malformed);
    check("wrong length, whole picture", &[b"RIFF\xff\xff\xff\xff", &small[8..]].concat(), Decoded);
}

#[test]
fn other_files_are_not_opened() {
    check("nothing", b"", Unknown);
    check("gif", b"GIF89a\xff\xff\xff\xff\0\0\0", Unknown);
    check("svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", Unknown);
    check("page", b"<!doctype html><script>alert(1)</script>", Unknown);
    check("bitmap", b"BM\xff\xff\xff\xff", Unknown);
    check("sound", b"RIFF\0\0\0\0WAVEfmt ", Unknown);
    check("text before a picture", b"hi\x89PNG\r\n\x1a\n", Unknown);
}

#[test]
fn two_thousand_mutants() {
    let mut progressive = encode_jpeg(&seed(), 85).unwrap();
    let header = progressive.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    progressive[header + 1] = 0xc2;
    let seeds = [
        progressive,
        encode_png(&seed()).unwrap(),
        encode_png(&glass()).unwrap(),
        encode_jpeg(&seed(), 85).unwrap(),
        encode_webp(&seed(), 80.0).unwrap(),
        encode_webp(&glass(), 80.0).unwrap(),
        lossless(&glass()),
    ];
    let mut random = 0x9e37_79b9_u32;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        usize::try_from(random).unwrap() % below
    };
    let mut fates = [0; 2];
    for round in 0..2_000 {
        let mut mutant = seeds[round % seeds.len()].clone();
        for _ in 0..=next(4) {
            let place = next(mutant.len());
            mutant[place] ^= 1 << next(8);
        }
        match decode(&mutant, &Limits::default()) {
            Ok(picture) => {
                assert!(picture.width <= 8_192 && picture.height <= 8_192, "round {round}");
                fates[0] += 1;
            }
            Err(_) => fates[1] += 1,
        }
    }
    assert!(fates[0] > 0 && fates[1] > 0, "decoded and refused: {fates:?}");
}

#[test]
fn narrower_limits_hold() {
    let bytes = encode_png(&seed()).unwrap();
    let limits = Limits { bytes: 1 << 20, pixels: 256, side: 16 };
    assert!(decode(&bytes, &limits).is_ok());
    assert!(decode(&bytes, &Limits { pixels: 255, ..limits }).is_err());
    assert!(decode(&bytes, &Limits { side: 15, ..limits }).is_err());
    assert!(decode(&bytes, &Limits { bytes: bytes.len() - 1, ..limits }).is_err());
}

fn seed() -> Picture {
    let pixels = (0..=255).flat_map(|i| [i, i ^ 0x5a, 255 - i]).collect();
    Picture::new(16, 16, false, pixels).unwrap()
}

fn glass() -> Picture {
    let pixels = (0..=255).flat_map(|i| [i, i ^ 0x5a, 255 - i, i]).collect();
    Picture::new(16, 16, true, pixels).unwrap()
}

fn lossless(picture: &Picture) -> Vec<u8> {
    let encoder = Encoder::new_rgba(&picture.pixels, picture.width, picture.height);
    encoder.lossless(true).encode(Unstoppable).unwrap()
}

fn flipped(bytes: &[u8], place: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[place] ^= 1;
    bytes
}

/// Signature and header.
pub(super) fn ihdr(width: u32, height: u32, depth: u8, kind: u8, interlaced: u8) -> Vec<u8> {
    let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let data = [&*sides, &[depth, kind, 0, 0, interlaced]].concat();
    [super::png::SIGNATURE, &chunk(*b"IHDR", &data)].concat()
}

pub(super) fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    let body = [&kind, data].concat();
    [&length, &*body, &crc(&body).to_be_bytes()].concat()
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
    let byte = |sum: u32, byte: &u8| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum));
    !bytes.iter().fold(u32::MAX, byte)
}

/// 128 MiB of zeros in some hundred kilobytes of zlib: the pixels of a large black picture.
fn deflated_zeros() -> Vec<u8> {
    let mut png = vec![];
    let black = vec![0; 1 << 27];
    let done =
        PngEncoder::new(&mut png).write_image(&black, 1 << 14, 1 << 13, ExtendedColorType::L8);
    done.unwrap();
    let mut rest = &png[8..];
    let mut pixels = vec![];
    while let [a, b, c, d, after @ ..] = rest {
        let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap();
        if after.starts_with(b"IDAT") {
            pixels.extend_from_slice(&after[4..4 + length]);
        }
        rest = &after[8 + length..];
    }
    pixels
}

fn profile() -> Vec<u8> {
    (1..=255)
        .flat_map(|part| [b"\xff\xe2\0\x12ICC_PROFILE\0", &[part, 255, 0, 0][..]].concat())
        .collect()
}

fn file(chunks: &[u8]) -> Vec<u8> {
    riff(b"RIFF", &[b"WEBP", chunks].concat())
}

fn riff(kind: &[u8], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_le_bytes();
    let pad: &[u8] = if data.len() % 2 == 1 { &[0] } else { &[] };
    [kind, &length, data, pad].concat()
}
