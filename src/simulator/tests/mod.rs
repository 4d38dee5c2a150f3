//! The simulator against recordings of a real ComfyUI, and each of its faults.
mod client;
mod faults;
mod graphs;
mod replay;
mod routes;
