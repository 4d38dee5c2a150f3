//! What flows between nodes: models by name, texts, pictures that are or will be painted.
use std::sync::Arc;

use image::RgbImage;
use serde_json::{Map, Value as Json};

/// A result of a node. A model is its name: there is nothing else to it here.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Model(String),
    Conditioning(Arc<str>),
    Latent(Latent),
    Pictures(Arc<Vec<RgbImage>>),
    Noise(u64),
    Sigmas {
        steps: u64,
        denoise: f64,
    },
    Guider {
        model: String,
        prompt: Arc<str>,
    },
    /// CLIP, VAE, samplers, masks: needed for the wiring alone.
    Token,
}

impl Value {
    /// How many pixels it holds.
    pub(super) fn pixels(&self) -> u64 {
        let (Self::Pictures(pictures) | Self::Latent(Latent { pictures, .. })) = self else {
            return 0;
        };
        let size = |picture: &RgbImage| u64::from(picture.width()) * u64::from(picture.height());
        pictures.iter().map(size).sum()
    }
}

/// Pictures before they are decoded.
#[derive(Debug, Clone)]
pub(super) struct Latent {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) batch: u64,
    /// Empty before the first sampler.
    pub(super) pictures: Arc<Vec<RgbImage>>,
}

/// What one node is given.
pub(super) struct Given {
    pub(super) inputs: Map<String, Json>,
    /// The results behind its links.
    pub(super) linked: Vec<(String, Value)>,
}

impl Given {
    pub(super) fn text(&self, name: &str) -> &str {
        self.inputs.get(name).and_then(Json::as_str).unwrap_or_default()
    }

    pub(super) fn number(&self, name: &str) -> u64 {
        self.inputs.get(name).and_then(Json::as_u64).unwrap_or_default()
    }

    pub(super) fn size(&self, name: &str) -> u32 {
        u32::try_from(self.number(name)).unwrap_or(u32::MAX)
    }

    pub(super) fn decimal(&self, name: &str) -> f64 {
        self.inputs.get(name).and_then(Json::as_f64).unwrap_or_default()
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.linked.iter().find(|(input, _)| input == name).map(|(_, value)| value)
    }

    pub(super) fn model(&self, name: &str) -> String {
        match self.value(name) {
            Some(Value::Model(model) | Value::Guider { model, .. }) => model.clone(),
            _ => String::new(),
        }
    }

    pub(super) fn prompt(&self, name: &str) -> Arc<str> {
        match self.value(name) {
            Some(Value::Conditioning(prompt) | Value::Guider { prompt, .. }) => prompt.clone(),
            _ => "".into(),
        }
    }

    pub(super) fn latent(&self, name: &str) -> Latent {
        match self.value(name) {
            Some(Value::Latent(latent)) => latent.clone(),
            _ => Latent { width: 64, height: 64, batch: 1, pictures: Arc::default() },
        }
    }

    pub(super) fn pictures(&self, name: &str) -> Arc<Vec<RgbImage>> {
        match self.value(name) {
            Some(Value::Pictures(pictures)) => pictures.clone(),
            _ => Arc::default(),
        }
    }
}
