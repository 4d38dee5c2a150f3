//! Files, uploads, catalogue and the guard: what the recorded scenarios do not cover.
use serde_json::{Value, json};

use super::client::{Answer, Socket, get, post, request, sketch};
use crate::simulator::{Options, Simulator};

const FILE: &str = "/view?filename=x_00001_.png&type=output";

async fn painted() -> Simulator {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let mut socket = Socket::open(&simulator, "a").await;
    post(&simulator, "/prompt", &sketch("a", 0x00FF_8000)).await.unwrap();
    socket.until_end().await;
    simulator
}

async fn upload(simulator: &Simulator, name: &str, bytes: &str, fields: &[(&str, &str)]) -> Answer {
    let head = format!(
        "--B\r\nContent-Disposition: form-data; name=\"image\"; filename=\"{name}\"\r\n\
         Content-Type: image/png\r\n\r\n{bytes}\r\n"
    );
    let field = |(name, value): &(&str, &str)| {
        format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let fields: Vec<_> = fields.iter().map(field).collect();
    let body = format!("{head}{}--B--\r\n", fields.concat());
    let headers = [("Content-Type", "multipart/form-data; boundary=B")];
    request(simulator, "POST /upload/image", &headers, body.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn files_come_whole_in_part_and_changed() {
    let simulator = painted().await;
    let whole = get(&simulator, FILE).await;
    assert!(whole.body.starts_with(b"\x89PNG"));
    assert!(whole.body.windows(11).any(|window| window == b"tEXtprompt\0"), "no graph inside");
    let etag = whole.header("etag").unwrap().to_owned();
    let with = async |name: &str, value: &str| {
        request(&simulator, &format!("GET {FILE}"), &[(name, value)], &[]).await.unwrap()
    };
    let part = with("Range", "bytes=2-9").await;
    assert_eq!((part.status, part.body.as_slice()), (206, &whole.body[2..10]));
    let range = format!("bytes 2-9/{}", whole.body.len());
    assert_eq!(part.header("content-range"), Some(range.as_str()));
    assert_eq!(with("Range", "bytes=-4").await.body, whole.body[whole.body.len() - 4..]);
    assert_eq!(with("If-None-Match", &etag).await.status, 304);
    let head = request(&simulator, &format!("HEAD {FILE}"), &[], &[]).await.unwrap();
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), whole.header("content-length"));
    let clean = get(&simulator, &format!("{FILE}&channel=rgb")).await;
    assert!(!clean.body.windows(4).any(|window| window == b"tEXt"));
    let jpeg = get(&simulator, &format!("{FILE}&preview=jpeg;80")).await;
    assert_eq!(jpeg.header("content-type"), Some("image/jpeg"));
    let webp = get(&simulator, &format!("{FILE}&preview=webp;90")).await;
    assert!(webp.body.starts_with(b"RIFF"));
}

#[tokio::test]
async fn wrong_file_names_are_refused() {
    let simulator = painted().await;
    let check = async |query: &str, status| {
        assert_eq!(get(&simulator, &format!("/view?{query}")).await.status, status, "{query}");
    };
    check("", 404).await;
    check("filename=", 400).await;
    check("filename=x_00001_.png&type=bogus", 400).await;
    check("filename=../x_00001_.png", 400).await;
    check("filename=/x_00001_.png", 400).await;
    check("filename=x_00001_.png&subfolder=../..", 403).await;
    check("filename=x_00001_.png&type=input", 404).await;
    check("filename=x_00001_.png&preview=webp;999", 500).await;
    check("filename=x_00001_.png%20%5Boutput%5D", 200).await;
}

#[tokio::test]
async fn uploads_get_a_new_name_when_theirs_is_taken() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let check = async |bytes: &str, fields: &[(&str, &str)], name: &str| {
        let answer = upload(&simulator, "u.png", bytes, fields).await;
        assert_eq!((answer.status, &answer.json()["name"]), (200, &json!(name)));
    };
    check("one", &[], "u.png").await;
    check("one", &[], "u.png").await;
    check("two", &[], "u (1).png").await;
    check("three", &[], "u (2).png").await;
    check("two", &[("overwrite", "True")], "u (1).png").await;
    check("four", &[("overwrite", "true")], "u.png").await;
    check("one", &[("subfolder", "a/b")], "u.png").await;
    let file = get(&simulator, "/view?filename=u.png&type=input&subfolder=a/b").await;
    assert_eq!(file.body, b"one");
    assert_eq!(upload(&simulator, "../u.png", "x", &[]).await.status, 400);
    assert_eq!(upload(&simulator, "u.png", "x", &[("type", "bogus")]).await.status, 500);
}

#[tokio::test]
async fn an_uploaded_picture_can_be_painted_over() {
    let simulator = painted().await;
    let graph = |name: &str| {
        json!({"client_id": "b", "prompt": {
            "1": {"class_type": "LoadImage", "inputs": {"image": name}},
            "2": {"class_type": "ImageScale", "inputs": {"image": ["1", 0], "width": 32,
                "height": 24, "upscale_method": "bilinear", "crop": "disabled"}},
            "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
        }})
    };
    let mut socket = Socket::open(&simulator, "b").await;
    post(&simulator, "/prompt", &graph("x_00001_.png [output]")).await.unwrap();
    let frames = socket.until_end().await;
    let output = frames.iter().find(|frame| frame.kind == "executed").expect("a result");
    let file = output.data["output"]["images"][0]["filename"].as_str().unwrap();
    let answer = get(&simulator, &format!("/view?filename={file}&type=temp")).await;
    assert_eq!(answer.body[16..24], [0, 0, 0, 32, 0, 0, 0, 24]);
    upload(&simulator, "broken.png", "no picture", &[]).await;
    post(&simulator, "/prompt", &graph("broken.png")).await.unwrap();
    assert!(socket.until_end().await.iter().any(|frame| frame.kind == "execution_error"));
}

#[tokio::test]
async fn the_catalogue_says_what_there_is_and_that_it_is_simulated() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    for prefix in ["", "/api"] {
        let stats = get(&simulator, &format!("{prefix}/system_stats")).await.json();
        assert_eq!(stats["system"]["comfyui_version"], "0.3.64");
        assert!(stats["devices"][0]["name"].as_str().unwrap().contains("inkwire-simulator"));
        let info = get(&simulator, &format!("{prefix}/object_info")).await.json();
        assert_eq!(info.as_object().unwrap().len(), super::super::catalogue::all().count());
        let files = get(&simulator, &format!("{prefix}/models/checkpoints")).await.json();
        let listed = &info["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"][0];
        assert_eq!(&files, listed);
        assert!(files.as_array().unwrap().contains(&json!("sd_xl_base_1.0.safetensors")));
    }
    assert_eq!(get(&simulator, "/models/nope").await.status, 404);
    assert_eq!(get(&simulator, "/object_info/Nope").await.json(), json!({}));
    assert_eq!(get(&simulator, "/nope").await.status, 404);
    assert_eq!(post(&simulator, "/nope", &Value::Null).await.unwrap().status, 405);
}

#[tokio::test]
async fn pages_of_other_origins_are_kept_out() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let check = async |origin: &str, status| {
        let answer = request(&simulator, "GET /prompt", &[("Origin", origin)], &[]).await.unwrap();
        assert_eq!(answer.status, status, "{origin}");
    };
    check("http://evil.example", 403).await;
    check("null", 403).await;
    check(&simulator.url(), 200).await;
}

#[tokio::test]
async fn prompt_ids_are_the_clients_and_may_repeat() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let mut body = sketch("a", 1);
    body["prompt_id"] = json!("Any Name");
    for _ in 0..2 {
        let answer = post(&simulator, "/prompt", &body).await.unwrap().json();
        assert_eq!(answer["prompt_id"], "Any Name");
    }
    simulator.log().when(|log| log.runs().len() == 2).await;
    let strict = Options { strict_ids: true, ..Options::default() };
    let simulator = Simulator::start(strict).await.unwrap();
    assert_eq!(post(&simulator, "/prompt", &body).await.unwrap().status, 400);
    body["prompt_id"] = json!("7d0ff4a8-4c4a-4b4e-8c55-0d0f4f6ad001");
    assert_eq!(post(&simulator, "/prompt", &body).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_stopped_simulator_is_gone() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let address = simulator.address();
    let mut socket = Socket::open(&simulator, "a").await;
    socket.next().await.expect("a status");
    simulator.stop().await;
    assert!(socket.next().await.is_none());
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
