//! The table of node classes: names, ranges and defaults as ComfyUI 0.3.64 has them. Data only.
use super::nodes::{Class, Extra, Kind};

pub(super) const SAMPLERS: Kind = Kind::OneOf(&[
    "euler",
    "euler_cfg_pp",
    "euler_ancestral",
    "euler_ancestral_cfg_pp",
    "heun",
    "heunpp2",
    "dpm_2",
    "dpm_2_ancestral",
    "lms",
    "dpm_fast",
    "dpm_adaptive",
    "dpmpp_2s_ancestral",
    "dpmpp_2s_ancestral_cfg_pp",
    "dpmpp_sde",
    "dpmpp_sde_gpu",
    "dpmpp_2m",
    "dpmpp_2m_cfg_pp",
    "dpmpp_2m_sde",
    "dpmpp_2m_sde_gpu",
    "dpmpp_2m_sde_heun",
    "dpmpp_2m_sde_heun_gpu",
    "dpmpp_3m_sde",
    "dpmpp_3m_sde_gpu",
    "ddpm",
    "lcm",
    "ipndm",
    "ipndm_v",
    "deis",
    "res_multistep",
    "res_multistep_cfg_pp",
    "res_multistep_ancestral",
    "res_multistep_ancestral_cfg_pp",
    "gradient_estimation",
    "gradient_estimation_cfg_pp",
    "er_sde",
    "seeds_2",
    "seeds_3",
    "sa_solver",
    "sa_solver_pece",
    "ddim",
    "uni_pc",
    "uni_pc_bh2",
]);
pub(super) const SCHEDULERS: Kind = Kind::OneOf(&[
    "simple",
    "sgm_uniform",
    "karras",
    "exponential",
    "ddim_uniform",
    "beta",
    "normal",
    "linear_quadratic",
    "kl_optimal",
]);

pub(super) const MODEL: Kind = Kind::Link("MODEL");
pub(super) const CLIP: Kind = Kind::Link("CLIP");
const VAE: Kind = Kind::Link("VAE");
pub(super) const CONDITIONING: Kind = Kind::Link("CONDITIONING");
pub(super) const LATENT: Kind = Kind::Link("LATENT");
pub(super) const IMAGE: Kind = Kind::Link("IMAGE");
const CROP: Kind = Kind::OneOf(&["disabled", "center"]);
pub(super) const SEED: Kind = Kind::Int { default: 0, min: 0, max: u64::MAX, extra: Extra::Seed };
pub(super) const STEPS: Kind = int(20, 1, 10_000);
pub(super) const BATCH: Kind = int(1, 1, 4096);
const CFG: Kind = Kind::Float { default: 8.0, min: 0.0, max: 100.0, step: 0.1, round: Some(0.01) };
pub(super) const DENOISE: Kind = float(1.0, 0.0, 1.0, 0.01);

const fn int(default: i64, min: i64, max: u64) -> Kind {
    Kind::Int { default, min, max, extra: Extra::None }
}

pub(super) const fn size(default: i64, min: i64, step: u64) -> Kind {
    Kind::Int { default, min, max: 16_384, extra: Extra::Step(step) }
}

pub(super) const fn float(default: f64, min: f64, max: f64, step: f64) -> Kind {
    Kind::Float { default, min, max, step, round: None }
}

/// Every class, in the order `/object_info` lists them.
pub(super) fn all() -> impl Iterator<Item = &'static Class> {
    CLASSES.iter().chain(super::extras::CLASSES)
}

/// The classes that most graphs are made of.
const CLASSES: &[Class] = &[
    Class::new(
        "KSampler",
        "KSampler",
        "sampling",
        &[
            ("model", MODEL),
            ("seed", SEED),
            ("steps", STEPS),
            ("cfg", CFG),
            ("sampler_name", SAMPLERS),
            ("scheduler", SCHEDULERS),
            ("positive", CONDITIONING),
            ("negative", CONDITIONING),
            ("latent_image", LATENT),
            ("denoise", DENOISE),
        ],
        &[("LATENT", "LATENT")],
    ),
    Class::new(
        "KSamplerAdvanced",
        "KSampler (Advanced)",
        "sampling",
        &[
            ("model", MODEL),
            ("add_noise", Kind::OneOf(&["enable", "disable"])),
            ("noise_seed", SEED),
            ("steps", STEPS),
            ("cfg", CFG),
            ("sampler_name", SAMPLERS),
            ("scheduler", SCHEDULERS),
            ("positive", CONDITIONING),
            ("negative", CONDITIONING),
            ("latent_image", LATENT),
            ("start_at_step", int(0, 0, 10_000)),
            ("end_at_step", int(10_000, 0, 10_000)),
            ("return_with_leftover_noise", Kind::OneOf(&["disable", "enable"])),
        ],
        &[("LATENT", "LATENT")],
    ),
    Class::new(
        "CheckpointLoaderSimple",
        "Load Checkpoint",
        "loaders",
        &[("ckpt_name", Kind::File("checkpoints"))],
        &[("MODEL", "MODEL"), ("CLIP", "CLIP"), ("VAE", "VAE")],
    ),
    Class::new(
        "CLIPTextEncode",
        "CLIP Text Encode (Prompt)",
        "conditioning",
        &[("text", Kind::Text), ("clip", CLIP)],
        &[("CONDITIONING", "CONDITIONING")],
    ),
    Class::new(
        "VAEDecode",
        "VAE Decode",
        "latent",
        &[("samples", LATENT), ("vae", VAE)],
        &[("IMAGE", "IMAGE")],
    ),
    Class::new(
        "VAEEncode",
        "VAE Encode",
        "latent",
        &[("pixels", IMAGE), ("vae", VAE)],
        &[("LATENT", "LATENT")],
    ),
    Class::new(
        "VAELoader",
        "Load VAE",
        "loaders",
        &[("vae_name", Kind::File("vae"))],
        &[("VAE", "VAE")],
    ),
    Class::new(
        "EmptyLatentImage",
        "Empty Latent Image",
        "latent",
        &[("width", size(512, 16, 8)), ("height", size(512, 16, 8)), ("batch_size", BATCH)],
        &[("LATENT", "LATENT")],
    ),
    Class::new(
        "LatentUpscale",
        "Upscale Latent",
        "latent",
        &[
            ("samples", LATENT),
            (
                "upscale_method",
                Kind::OneOf(&["nearest-exact", "bilinear", "area", "bicubic", "bislerp"]),
            ),
            ("width", size(512, 0, 8)),
            ("height", size(512, 0, 8)),
            ("crop", CROP),
        ],
        &[("LATENT", "LATENT")],
    ),
    Class::new(
        "SaveImage",
        "Save Image",
        "image",
        &[("images", IMAGE), ("filename_prefix", Kind::Line("ComfyUI"))],
        &[],
    )
    .keeps(),
    Class::new("PreviewImage", "Preview Image", "image", &[("images", IMAGE)], &[]).keeps(),
    Class::new(
        "LoadImage",
        "Load Image",
        "image",
        &[("image", Kind::Upload)],
        &[("IMAGE", "IMAGE"), ("MASK", "MASK")],
    ),
    Class::new(
        "ImageScale",
        "Upscale Image",
        "image/upscaling",
        &[
            ("image", IMAGE),
            (
                "upscale_method",
                Kind::OneOf(&["nearest-exact", "bilinear", "area", "bicubic", "lanczos"]),
            ),
            ("width", size(512, 0, 1)),
            ("height", size(512, 0, 1)),
            ("crop", CROP),
        ],
        &[("IMAGE", "IMAGE")],
    ),
    Class::new("ImageInvert", "Invert Image", "image", &[("image", IMAGE)], &[("IMAGE", "IMAGE")]),
    Class::new(
        "EmptyImage",
        "EmptyImage",
        "image",
        &[
            ("width", size(512, 1, 1)),
            ("height", size(512, 1, 1)),
            ("batch_size", BATCH),
            ("color", Kind::Int { default: 0, min: 0, max: 0x00FF_FFFF, extra: Extra::Color }),
        ],
        &[("IMAGE", "IMAGE")],
    ),
];
