//! What each node class does. Loading a model takes its time, sampling paints, saving keeps a
//! PNG with the graph in it.
use std::sync::Arc;

use image::{DynamicImage, RgbImage, imageops::FilterType};
use serde_json::{Value as Json, json};

use super::files::Place;
use super::run::{Run, Stop};
use super::values::{Given, Latent, Value};
use super::{lock, paint, png, sample};

/// Pixels of a whole batch above which the simulated memory is not enough.
pub(super) const PIXELS: u64 = 32 << 20;
/// Pixels of all results that are kept at a time.
pub(super) const MEMORY: u64 = 192 << 20;

/// Paths of the kind that a client must not show to people.
pub(super) const TRACEBACK: &[&str] = &[
    "  File \"/opt/comfyui/execution.py\", line 496, in execute\n\n",
    "  File \"/opt/comfyui/execution.py\", line 315, in get_output_data\n\n",
    "  File \"/opt/comfyui/execution.py\", line 277, in process_inputs\n\n",
];

/// What a node leaves behind.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) values: Vec<Value>,
    /// What is shown of it, for output nodes.
    pub(super) ui: Option<Json>,
}

impl Done {
    pub(super) fn pixels(&self) -> u64 {
        self.values.iter().map(Value::pixels).sum()
    }
}

impl From<Value> for Done {
    fn from(value: Value) -> Self {
        Self { values: vec![value], ui: None }
    }
}

/// Runs one node.
pub(super) async fn node(
    run: &mut Run<'_>,
    id: &str,
    class: &'static str,
    given: Given,
) -> Result<Done, Stop> {
    if enlarged(class, &given) > PIXELS {
        return Err(out_of_memory());
    }
    match class {
        "KSampler" | "KSamplerAdvanced" | "SamplerCustomAdvanced" => {
            sample::sample(run, id, sample::Order::read(class, &given)).await
        }
        "CheckpointLoaderSimple" | "UNETLoader" => load(run, class, &given).await,
        "SaveImage" => save(run, &given, "output", given.text("filename_prefix")).await,
        "PreviewImage" => save(run, &given, "temp", "ComfyUI_temp_inkwr").await,
        "LoadImage" => read(run, given.text("image")),
        "PreviewAny" => Ok(Done { values: vec![], ui: Some(json!({"text": [shown(&given)]})) }),
        _ => aside(move || plain(class, &given)).await,
    }
}

/// Work on pixels, off the threads that serve.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Stop> {
    tokio::task::spawn_blocking(work).await.map_err(|_| failure())
}

/// How many pixels a node is about to make, as far as its inputs say.
fn enlarged(class: &str, given: &Given) -> u64 {
    let size = |batch| pixels(given.size("width"), given.size("height"), batch);
    match class {
        "EmptyImage" => size(given.number("batch_size")),
        "ImageScale" => size(count(&given.pictures("image"))),
        "LatentUpscale" => size(given.latent("samples").batch),
        "ImageUpscaleWithModel" => {
            Value::Pictures(given.pictures("image")).pixels().saturating_mul(16)
        }
        _ => 0,
    }
}

fn count(pictures: &[RgbImage]) -> u64 {
    u64::try_from(pictures.len()).unwrap_or(u64::MAX)
}

/// The nodes that need nothing but their inputs.
fn plain(class: &str, given: &Given) -> Done {
    let value = match class {
        "CLIPTextEncode" => Value::Conditioning(given.text("text").into()),
        "CLIPTextEncodeFlux" => {
            let (long, short) = (given.text("t5xxl"), given.text("clip_l"));
            Value::Conditioning(if long.is_empty() { short } else { long }.into())
        }
        "CLIPTextEncodeLumina2" => Value::Conditioning(given.text("user_prompt").into()),
        "FluxGuidance" => Value::Conditioning(given.prompt("conditioning")),
        "ConditioningZeroOut" => Value::Conditioning("".into()),
        "EmptyLatentImage" | "EmptySD3LatentImage" => Value::Latent(Latent {
            // A latent cell stands for eight pixels.
            width: given.size("width") / 8 * 8,
            height: given.size("height") / 8 * 8,
            batch: given.number("batch_size"),
            pictures: Arc::default(),
        }),
        "LatentUpscale" => Value::Latent(upscaled(given)),
        "VAEDecode" => Value::Pictures(given.latent("samples").pictures),
        "VAEEncode" => Value::Latent(encoded(&given.pictures("pixels"))),
        "ModelSamplingAuraFlow" | "ModelSamplingSD3" => Value::Model(given.model("model")),
        "BasicScheduler" => {
            Value::Sigmas { steps: given.number("steps"), denoise: given.decimal("denoise") }
        }
        "RandomNoise" => Value::Noise(given.number("noise_seed")),
        "BasicGuider" => {
            Value::Guider { model: given.model("model"), prompt: given.prompt("conditioning") }
        }
        "EmptyImage" => Value::Pictures(Arc::new(empty(given))),
        "ImageAddNoise" => noisy(given),
        "ImageInvert" => changed(&given.pictures("image"), |mut picture| {
            picture.invert();
            picture
        }),
        "ImageScale" => {
            let (width, height) = (given.size("width").max(1), given.size("height").max(1));
            changed(&given.pictures("image"), |picture| {
                picture.resize_exact(width, height, FilterType::Triangle)
            })
        }
        "ImageUpscaleWithModel" => changed(&given.pictures("image"), |picture| {
            let (width, height) = (picture.width() * 4, picture.height() * 4);
            picture.resize_exact(width, height, FilterType::CatmullRom)
        }),
        "LoraLoader" => {
            let model = Value::Model(given.model("model"));
            return Done { values: vec![model, Value::Token], ui: None };
        }
        _ => Value::Token,
    };
    value.into()
}

async fn load(run: &mut Run<'_>, class: &str, given: &Given) -> Result<Done, Stop> {
    let input = if class == "UNETLoader" { "unet_name" } else { "ckpt_name" };
    let model = given.text(input).to_owned();
    run.memory.load(run.server, &model).await;
    Ok(Done { values: vec![Value::Model(model), Value::Token, Value::Token], ui: None })
}

/// The pixels of a batch.
pub(super) fn pixels(width: u32, height: u32, batch: u64) -> u64 {
    u64::from(width).saturating_mul(u64::from(height)).saturating_mul(batch)
}

pub(super) fn out_of_memory() -> Stop {
    Stop::Failed {
        kind: "torch.OutOfMemoryError",
        message: "Allocation on device 0 would exceed allowed memory. (out of memory)\n\
                  Currently allocated     : 7.31 GiB\nRequested               : 2.50 GiB\n\n\
                  TIPS: a smaller picture or batch may fit."
            .to_owned(),
    }
}

pub(super) fn failure() -> Stop {
    Stop::Failed {
        kind: "RuntimeError",
        message:
            "Error while deserializing header: /opt/comfyui/models/checkpoints/x.safetensors\n\
                  tensor([[0.5608, 0.7176, 0.3882]], device='cuda:0')"
                .to_owned(),
    }
}

/// Keeps each picture as a PNG and names them.
async fn save(run: &Run<'_>, given: &Given, kind: &str, prefix: &str) -> Result<Done, Stop> {
    let prefix = super::calendar::fill(prefix);
    if prefix.split('/').any(|part| part == "..") || prefix.starts_with('/') {
        let message = "**** ERROR: Saving image outside the output folder is not allowed.\n \
                       full_output_folder: /srv/comfy\n         output_dir: /srv/comfy/run/out\n";
        return Err(Stop::Failed { kind: "Exception", message: message.to_owned() });
    }
    let (subfolder, name) = prefix.rsplit_once('/').unwrap_or(("", &prefix));
    let chunks = chunks(run);
    let pictures = given.pictures("images");
    let encode = move || pictures.iter().map(|picture| png::encode(picture, &chunks)).collect();
    let encoded: Vec<Option<Vec<u8>>> = aside(encode).await?;
    let mut named = vec![];
    for bytes in encoded {
        let bytes = bytes.ok_or_else(failure)?;
        let mut files = lock(&run.server.files);
        let number = files.next(kind, subfolder, name);
        let name = format!("{name}_{number:05}_.png");
        named.push(json!({"filename": name, "subfolder": subfolder, "type": kind}));
        files.put(Place { kind: kind.to_owned(), subfolder: subfolder.to_owned(), name }, bytes);
    }
    Ok(Done { values: vec![], ui: Some(json!({"images": named})) })
}

/// The texts inside of a PNG: the graph, and whatever the submitter wanted there.
fn chunks(run: &Run<'_>) -> Vec<(String, String)> {
    let extra = run.item.extra.get("extra_pnginfo").and_then(Json::as_object);
    let extra = extra.into_iter().flatten().map(|(name, value)| (name.clone(), value.to_string()));
    std::iter::once(("prompt".to_owned(), run.item.graph.to_string())).chain(extra).collect()
}

fn read(run: &Run<'_>, name: &str) -> Result<Done, Stop> {
    let file = run.server.upload(name);
    let picture = file.and_then(|file| png::decode(&file.bytes)).ok_or_else(|| Stop::Failed {
        kind: "PIL.UnidentifiedImageError",
        message: format!("cannot identify image file '/srv/comfy/run/in/{name}'"),
    })?;
    let pictures = Value::Pictures(Arc::new(vec![picture]));
    Ok(Done { values: vec![pictures, Value::Token], ui: None })
}

fn empty(given: &Given) -> Vec<RgbImage> {
    let (width, height) = (given.size("width"), given.size("height"));
    let [_, red, green, blue] = given.size("color").to_be_bytes();
    let picture = RgbImage::from_pixel(width, height, image::Rgb([red, green, blue]));
    vec![picture; usize::try_from(given.number("batch_size")).unwrap_or(1)]
}

fn changed(pictures: &[RgbImage], change: impl Fn(DynamicImage) -> DynamicImage) -> Value {
    let change = |picture: &RgbImage| change(picture.clone().into()).into_rgb8();
    Value::Pictures(Arc::new(pictures.iter().map(change).collect()))
}

/// Each picture with noise of its own, as the seed has it.
fn noisy(given: &Given) -> Value {
    let (seed, strength) = (given.number("seed"), given.decimal("strength"));
    let pictures = given.pictures("image");
    let noisy = |(number, old)| paint::noisy(old, seed.wrapping_add(number), strength);
    Value::Pictures(Arc::new((0..).zip(pictures.iter()).map(noisy).collect()))
}

fn encoded(pictures: &Arc<Vec<RgbImage>>) -> Latent {
    let (width, height) = pictures.first().map_or((64, 64), RgbImage::dimensions);
    Latent { width, height, batch: count(pictures), pictures: pictures.clone() }
}

fn upscaled(given: &Given) -> Latent {
    let old = given.latent("samples");
    let (width, height) = (given.size("width").max(16), given.size("height").max(16));
    let change = |picture: &RgbImage| {
        let picture = DynamicImage::from(picture.clone());
        picture.resize_exact(width, height, FilterType::Triangle).into_rgb8()
    };
    let pictures = Arc::new(old.pictures.iter().map(change).collect());
    Latent { width, height, batch: old.batch, pictures }
}

/// Any value as text.
fn shown(given: &Given) -> String {
    match given.value("source") {
        Some(Value::Model(name)) => name.clone(),
        Some(Value::Conditioning(text)) => text.to_string(),
        Some(_) => "a value".to_owned(),
        None => given.inputs.get("source").map(Json::to_string).unwrap_or_default(),
    }
}
