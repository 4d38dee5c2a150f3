//! More of the table of node classes: loaders of parts, samplers put together from parts, and
//! the nodes that single families of models need. Data only.
use super::catalogue::{
    BATCH, CLIP, CONDITIONING, DENOISE, IMAGE, LATENT, MODEL, SAMPLERS, SCHEDULERS, SEED, STEPS,
    float, size,
};
use super::nodes::{Class, Kind};

const DEVICE: &[(&str, Kind)] = &[("device", Kind::OneOf(&["default", "cpu"]))];
const ENCODER: Kind = Kind::File("text_encoders");
const GUIDANCE: Kind = float(3.5, 0.0, 100.0, 0.1);
const STRENGTH: Kind = float(1.0, -100.0, 100.0, 0.01);

/// The classes beside those of `catalogue.rs`.
pub(super) const CLASSES: &[Class] = &[
    Class::new(
        "LoraLoader",
        "Load LoRA",
        "loaders",
        &[
            ("model", MODEL),
            ("clip", CLIP),
            ("lora_name", Kind::File("loras")),
            ("strength_model", STRENGTH),
            ("strength_clip", STRENGTH),
        ],
        &[("MODEL", "MODEL"), ("CLIP", "CLIP")],
    ),
    Class::new(
        "CLIPLoader",
        "Load CLIP",
        "advanced/loaders",
        &[
            ("clip_name", ENCODER),
            (
                "type",
                Kind::OneOf(&[
                    "stable_diffusion",
                    "stable_cascade",
                    "sd3",
                    "stable_audio",
                    "mochi",
                    "ltxv",
                    "pixart",
                    "cosmos",
                    "lumina2",
                    "wan",
                    "hidream",
                    "chroma",
                    "ace",
                    "omnigen2",
                    "qwen_image",
                    "hunyuan_image",
                ]),
            ),
        ],
        &[("CLIP", "CLIP")],
    )
    .with(DEVICE),
    Class::new(
        "UNETLoader",
        "Load Diffusion Model",
        "advanced/loaders",
        &[
            ("unet_name", Kind::File("diffusion_models")),
            (
                "weight_dtype",
                Kind::OneOf(&["default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2"]),
            ),
        ],
        &[("MODEL", "MODEL")],
    ),
    Class::new(
        "DualCLIPLoader",
        "DualCLIPLoader",
        "advanced/loaders",
        &[
            ("clip_name1", ENCODER),
            ("clip_name2", ENCODER),
            (
                "type",
                Kind::OneOf(&["sdxl", "sd3", "flux", "hunyuan_video", "hidream", "hunyuan_image"]),
            ),
        ],
        &[("CLIP", "CLIP")],
    )
    .with(DEVICE),
    Class::new(
        "ConditioningZeroOut",
        "ConditioningZeroOut",
        "advanced/conditioning",
        &[("conditioning", CONDITIONING)],
        &[("CONDITIONING", "CONDITIONING")],
    ),
    Class::new(
        "BasicScheduler",
        "BasicScheduler",
        "sampling/custom_sampling/schedulers",
        &[("model", MODEL), ("scheduler", SCHEDULERS), ("steps", STEPS), ("denoise", DENOISE)],
        &[("SIGMAS", "SIGMAS")],
    )
    .from("comfy_extras.nodes_custom_sampler"),
    Class::new(
        "KSamplerSelect",
        "KSamplerSelect",
        "sampling/custom_sampling/samplers",
        &[("sampler_name", SAMPLERS)],
        &[("SAMPLER", "SAMPLER")],
    )
    .from("comfy_extras.nodes_custom_sampler"),
    Class::new(
        "BasicGuider",
        "BasicGuider",
        "sampling/custom_sampling/guiders",
        &[("model", MODEL), ("conditioning", CONDITIONING)],
        &[("GUIDER", "GUIDER")],
    )
    .from("comfy_extras.nodes_custom_sampler"),
    Class::new(
        "RandomNoise",
        "RandomNoise",
        "sampling/custom_sampling/noise",
        &[("noise_seed", SEED)],
        &[("NOISE", "NOISE")],
    )
    .from("comfy_extras.nodes_custom_sampler"),
    Class::new(
        "SamplerCustomAdvanced",
        "SamplerCustomAdvanced",
        "sampling/custom_sampling",
        &[
            ("noise", Kind::Link("NOISE")),
            ("guider", Kind::Link("GUIDER")),
            ("sampler", Kind::Link("SAMPLER")),
            ("sigmas", Kind::Link("SIGMAS")),
            ("latent_image", LATENT),
        ],
        &[("LATENT", "output"), ("LATENT", "denoised_output")],
    )
    .from("comfy_extras.nodes_custom_sampler"),
    Class::new(
        "CLIPTextEncodeFlux",
        "CLIPTextEncodeFlux",
        "advanced/conditioning/flux",
        &[("clip", CLIP), ("clip_l", Kind::Text), ("t5xxl", Kind::Text), ("guidance", GUIDANCE)],
        &[("CONDITIONING", "CONDITIONING")],
    )
    .from("comfy_extras.nodes_flux"),
    Class::new(
        "FluxGuidance",
        "FluxGuidance",
        "advanced/conditioning/flux",
        &[("conditioning", CONDITIONING), ("guidance", GUIDANCE)],
        &[("CONDITIONING", "CONDITIONING")],
    )
    .from("comfy_extras.nodes_flux"),
    Class::new(
        "TripleCLIPLoader",
        "TripleCLIPLoader",
        "advanced/loaders",
        &[("clip_name1", ENCODER), ("clip_name2", ENCODER), ("clip_name3", ENCODER)],
        &[("CLIP", "CLIP")],
    )
    .from("comfy_extras.nodes_sd3"),
    Class::new(
        "EmptySD3LatentImage",
        "EmptySD3LatentImage",
        "latent/sd3",
        &[("width", size(1024, 16, 16)), ("height", size(1024, 16, 16)), ("batch_size", BATCH)],
        &[("LATENT", "LATENT")],
    )
    .from("comfy_extras.nodes_sd3"),
    Class::new(
        "ModelSamplingSD3",
        "ModelSamplingSD3",
        "advanced/model",
        &[("model", MODEL), ("shift", float(3.0, 0.0, 100.0, 0.01))],
        &[("MODEL", "MODEL")],
    )
    .from("comfy_extras.nodes_model_advanced"),
    Class::new(
        "ModelSamplingAuraFlow",
        "ModelSamplingAuraFlow",
        "advanced/model",
        &[("model", MODEL), ("shift", float(1.73, 0.0, 100.0, 0.01))],
        &[("MODEL", "MODEL")],
    )
    .from("comfy_extras.nodes_model_advanced"),
    Class::new(
        "CLIPTextEncodeLumina2",
        "CLIP Text Encode for Lumina2",
        "conditioning",
        &[
            ("system_prompt", Kind::OneOf(&["superior", "alignment"])),
            ("user_prompt", Kind::Text),
            ("clip", CLIP),
        ],
        &[("CONDITIONING", "CONDITIONING")],
    )
    .from("comfy_extras.nodes_lumina2"),
    Class::new(
        "ImageAddNoise",
        "ImageAddNoise",
        "image",
        &[("image", IMAGE), ("seed", SEED), ("strength", float(0.5, 0.0, 1.0, 0.01))],
        &[("IMAGE", "IMAGE")],
    )
    .from("comfy_extras.nodes_images"),
    Class::new(
        "UpscaleModelLoader",
        "Load Upscale Model",
        "loaders",
        &[("model_name", Kind::File("upscale_models"))],
        &[("UPSCALE_MODEL", "UPSCALE_MODEL")],
    )
    .from("comfy_extras.nodes_upscale_model"),
    Class::new(
        "ImageUpscaleWithModel",
        "Upscale Image (using Model)",
        "image/upscaling",
        &[("upscale_model", Kind::Link("UPSCALE_MODEL")), ("image", IMAGE)],
        &[("IMAGE", "IMAGE")],
    )
    .from("comfy_extras.nodes_upscale_model"),
    Class::new("PreviewAny", "Preview Any", "utils", &[("source", Kind::Link("*"))], &[])
        .from("comfy_extras.nodes_preview_any")
        .keeps(),
];
