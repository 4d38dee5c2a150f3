//! Where the link server listens and what it is called from outside.
//! Plain data; addresses are bound in `server`.
use inkwire_core::AdapterId;
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    pub id: AdapterId,
    /// Port 0 takes any free one.
    pub listen: SocketAddr,
    /// What links begin with, such as `https://pics.example`; without one, the bound address.
    pub public_url: Option<String>,
    /// Reverse proxies: their last `X-Forwarded-For` is the caller, and they may open as many
    /// connections as they like.
    pub proxies: Vec<IpAddr>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            id: "http".into(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: None,
            proxies: vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        }
    }
}
