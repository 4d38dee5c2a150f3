//! The model files that the simulator pretends to have: names alone, nothing is ever opened.
use std::collections::BTreeMap;

/// Names of files by folder, as `/models/{folder}` lists them.
pub type Models = BTreeMap<String, Vec<String>>;

/// Every folder that `/models` names, filled or not.
pub(super) const FOLDERS: &[&str] = &[
    "checkpoints",
    "configs",
    "loras",
    "vae",
    "text_encoders",
    "diffusion_models",
    "clip_vision",
    "style_models",
    "embeddings",
    "diffusers",
    "vae_approx",
    "controlnet",
    "gligen",
    "upscale_models",
    "custom_nodes",
    "hypernetworks",
    "photomaker",
    "classifiers",
    "model_patches",
    "audio_encoders",
];

/// What the shipped workflows and a common installation ask for.
const FILES: &[(&str, &[&str])] = &[
    (
        "checkpoints",
        &[
            "dreamshaper_8.safetensors",
            "flux1-schnell-fp8.safetensors",
            "lumina_2.safetensors",
            "sd3.5_large.safetensors",
            "sd3.5_large_fp8_scaled.safetensors",
            "sd_xl_base_1.0.safetensors",
            "sd_xl_refiner_1.0.safetensors",
            "sd_xl_turbo_1.0_fp16.safetensors",
            "v1-5-pruned-emaonly-fp16.safetensors",
            "v1-5-pruned-emaonly.safetensors",
        ],
    ),
    (
        "diffusion_models",
        &[
            "flux1-dev.safetensors",
            "flux1-schnell.safetensors",
            "lumina_2_model_bf16.safetensors",
            "sd3.5_large.safetensors",
        ],
    ),
    (
        "text_encoders",
        &[
            "clip_g.safetensors",
            "clip_l.safetensors",
            "gemma_2_2b_fp16.safetensors",
            "t5xxl_fp16.safetensors",
            "t5xxl_fp8_e4m3fn.safetensors",
            "t5xxl_fp8_e4m3fn_scaled.safetensors",
        ],
    ),
    (
        "vae",
        &["ae.safetensors", "sdxl_vae.safetensors", "vae-ft-mse-840000-ema-pruned.safetensors"],
    ),
    ("loras", &["add_detail.safetensors", "pixel-art-xl.safetensors"]),
    ("upscale_models", &["4x-UltraSharp.pth", "RealESRGAN_x4plus.pth"]),
];

/// The folders above, filled.
pub fn shipped() -> Models {
    FILES
        .iter()
        .map(|(folder, files)| {
            ((*folder).to_owned(), files.iter().map(|file| (*file).to_owned()).collect())
        })
        .collect()
}
