//! Samplers: what they are asked for, and painting step by step.
use std::sync::Arc;

use image::RgbImage;

use super::faults::Fault;
use super::paint;
use super::perform::{Done, PIXELS, aside, failure, out_of_memory, pixels};
use super::run::{Run, Stop};
use super::values::{Given, Latent, Value};

/// What a sampler was asked for.
pub(super) struct Order {
    model: String,
    prompt: Arc<str>,
    seed: u64,
    steps: u64,
    denoise: f64,
    latent: Latent,
}

impl Order {
    pub(super) fn read(class: &str, given: &Given) -> Self {
        let latent = given.latent("latent_image");
        let (model, prompt) = match class {
            "SamplerCustomAdvanced" => (given.model("guider"), given.prompt("guider")),
            _ => (given.model("model"), given.prompt("positive")),
        };
        let (seed, steps, denoise) = match class {
            "KSampler" => (given.number("seed"), given.number("steps"), given.decimal("denoise")),
            "KSamplerAdvanced" => {
                let last = given.number("end_at_step").min(given.number("steps"));
                let steps = last.saturating_sub(given.number("start_at_step"));
                (given.number("noise_seed"), steps, 1.0)
            }
            _ => {
                let seed = match given.value("noise") {
                    Some(Value::Noise(seed)) => *seed,
                    _ => 0,
                };
                match given.value("sigmas") {
                    Some(Value::Sigmas { steps, denoise }) => (seed, *steps, *denoise),
                    _ => (seed, 1, 1.0),
                }
            }
        };
        Self { model, prompt, seed, steps, denoise, latent }
    }

    /// Paints the whole batch; what was there before shows through when little noise is added.
    fn paint(&self) -> Vec<RgbImage> {
        let Latent { width, height, batch, ref pictures } = self.latent;
        (0..batch)
            .map(|number| {
                let seed = self.seed.wrapping_add(number);
                let painted = paint::paint(&self.prompt, seed, width, height);
                let at = usize::try_from(number).unwrap_or_default();
                match pictures.get(at).or(pictures.first()) {
                    Some(old) if self.denoise < 1.0 => paint::blend(old, &painted, self.denoise),
                    _ => painted,
                }
            })
            .collect()
    }
}

pub(super) async fn sample(run: &mut Run<'_>, id: &str, order: Order) -> Result<Done, Stop> {
    if run.server.faults.strikes(Fault::OutOfMemory) || too_big(&order.latent) {
        return Err(out_of_memory());
    }
    if run.server.faults.strikes(Fault::NodeFails) {
        return Err(failure());
    }
    run.memory.load(run.server, &order.model).await;
    let (steps, seed) = (order.steps, order.seed);
    let latent = order.latent.clone();
    let (pictures, sketch) = aside(move || {
        let pictures = order.paint();
        let sketch = pictures.first().map(paint::Sketch::new).map(Arc::new);
        (pictures, sketch)
    })
    .await?;
    for step in 1..=steps {
        tokio::time::sleep(run.server.options.step_time).await;
        run.pause().await?;
        let sketch = sketch.clone();
        let jpeg = aside(move || sketch.map(|sketch| sketch.at(step, steps, seed))).await?;
        run.step(id, step, steps, &jpeg.unwrap_or_default());
    }
    let latent = Value::Latent(Latent { pictures: Arc::new(pictures), ..latent });
    Ok(Done { values: vec![latent.clone(), latent], ui: None })
}

fn too_big(latent: &Latent) -> bool {
    pixels(latent.width, latent.height, latent.batch) > PIXELS
}
