//! A TCP connection to the server or to the proxy before it, with what every socket of ours has.
use super::{
    Target,
    race::{interleaved, race},
};
use crate::config::{Config, Server, Socks5};
use secrecy::ExposeSecret;
use socket2::{SockRef, TcpKeepalive};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio_socks::tcp::Socks5Stream;

/// Silence after which the system asks whether the other side is there, and how often.
const KEEPALIVE: Duration = Duration::from_mins(1);
const KEEPALIVE_AGAIN: Duration = Duration::from_secs(15);

pub(super) async fn open(config: &Config, target: &Target) -> io::Result<TcpStream> {
    match &config.socks5 {
        None => direct(&target.host, target.port, config.bind).await,
        Some(proxy) => through(proxy, target, config.bind).await,
    }
}

async fn direct(host: &str, port: u16, bind: Option<IpAddr>) -> io::Result<TcpStream> {
    let found = lookup_host((host, port)).await?;
    let fits = |address: &SocketAddr| bind.is_none_or(|ip| ip.is_ipv4() == address.is_ipv4());
    let addresses = interleaved(found.filter(fits).collect());
    race(addresses, |address| connect(address, bind)).await
}

async fn connect(address: SocketAddr, bind: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(ip) = bind {
        socket.bind(SocketAddr::new(ip, 0))?;
    }
    // Without it an answer waits for the last packet's acknowledgement.
    socket.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE_AGAIN);
    SockRef::from(&socket).set_tcp_keepalive(&keepalive)?;
    socket.connect(address).await
}

/// The proxy looks the server's name up.
async fn through(proxy: &Socks5, target: &Target, bind: Option<IpAddr>) -> io::Result<TcpStream> {
    let failed = |reason: String| io::Error::other(format!("socks5: {reason}"));
    let Server { host, port } = proxy.address.parse().map_err(failed)?;
    let port = port.ok_or_else(|| failed("has no port".into()))?;
    let tcp = direct(&host, port, bind).await.map_err(|error| failed(error.to_string()))?;
    let to = (target.host.as_str(), target.port);
    let opened = match (&proxy.username, &proxy.password) {
        (Some(name), password) => {
            let password = password.as_ref().map_or("", |password| password.expose_secret());
            Socks5Stream::connect_with_password_and_socket(tcp, to, name, password).await
        }
        (None, _) => Socks5Stream::connect_with_socket(tcp, to).await,
    };
    opened.map(Socks5Stream::into_inner).map_err(|error| failed(error.to_string()))
}
