//! Atheme: accounts, rooms and SASL for an `Inspircd`. Accounts are in its database before it
//! starts, so that no test waits for a registration.
use super::{Inspircd, missing, process::Process};
use rustix::process::Signal;
use std::{fmt::Write as _, fs, io};
use tempfile::TempDir;
use tokio::process::Command;

const ATHEME: &str = "/usr/bin/atheme-services";
const MODULES: &[&str] = &[
    "protocol/inspircd",
    "backend/opensex",
    "nickserv/main",
    "nickserv/cert",
    "nickserv/enforce",
    "nickserv/ghost",
    "nickserv/group",
    "nickserv/identify",
    "nickserv/info",
    "nickserv/logout",
    "nickserv/register",
    "nickserv/set_core",
    "nickserv/status",
    "chanserv/main",
    "chanserv/register",
    "chanserv/op",
    "chanserv/flags",
    "chanserv/set_core",
    "chanserv/set_fantasy",
    "chanserv/set_guard",
    "saslserv/main",
    "saslserv/plain",
    "saslserv/external",
    "operserv/main",
];

/// Somebody whom the services know.
#[derive(Debug, Clone)]
pub struct Account {
    pub name: String,
    pub password: String,
    /// SHA-256 of a certificate that logs in to it, in lower case.
    pub certificate: Option<String>,
}

impl Account {
    /// One with a password.
    pub fn new(name: &str, password: &str) -> Self {
        Self { name: name.to_owned(), password: password.to_owned(), certificate: None }
    }
}

/// The services; they are killed when dropped.
pub struct Atheme {
    folder: TempDir,
    process: Process,
}

impl Atheme {
    /// Linked and ready for logins; `None`, said aloud, where it is not installed.
    ///
    /// # Errors
    /// If it is there and does not start, or the server does not let it in.
    pub async fn start(server: &Inspircd, accounts: &[Account]) -> io::Result<Option<Self>> {
        if missing(ATHEME, "atheme-services") {
            return Ok(None);
        }
        let folder = TempDir::new()?;
        fs::write(folder.path().join("atheme.conf"), configuration(server))?;
        fs::write(folder.path().join("services.db"), database(accounts))?;
        let process = run(&folder, server).await?;
        Ok(Some(Self { folder, process }))
    }

    /// SIGKILL: the server sees the link end.
    ///
    /// # Errors
    /// If it does not run.
    pub async fn kill(&mut self, server: &Inspircd) -> io::Result<()> {
        let before = server.log_lines();
        self.process.kill().await?;
        server.logged_since(before, "Netsplit complete").await.map(drop)
    }

    /// SIGSTOP: the link stays, and logins are not answered.
    ///
    /// # Errors
    /// If it does not run.
    pub fn stop(&self) -> io::Result<()> {
        self.process.signal(Signal::STOP)
    }

    /// SIGCONT: the end of `stop`.
    ///
    /// # Errors
    /// If it does not run.
    pub fn cont(&self) -> io::Result<()> {
        self.process.signal(Signal::CONT)
    }

    /// Starts again, after `kill`, with the accounts of the beginning.
    ///
    /// # Errors
    /// As `start`.
    pub async fn restart(&mut self, server: &Inspircd) -> io::Result<()> {
        self.process = run(&self.folder, server).await?;
        Ok(())
    }
}

async fn run(folder: &TempDir, server: &Inspircd) -> io::Result<Process> {
    let (path, before) = (folder.path(), server.log_lines());
    let mut command = Command::new(ATHEME);
    command.arg("-n").arg("-c").arg(path.join("atheme.conf")).arg("-D").arg(path);
    command.arg("-p").arg(path.join("pid")).arg("-l").arg(path.join("log")).current_dir(path);
    let process = Process::start(&mut command)?;
    // The server has their mechanisms by then: both come on one connection, in this order.
    server.logged_since(before, "From services.test: Finished synchronizing").await?;
    Ok(process)
}

fn configuration(server: &Inspircd) -> String {
    let modules: Vec<_> =
        MODULES.iter().map(|name| format!("loadmodule \"modules/{name}\";")).collect();
    let services = [
        ("NickServ", ""),
        // Words in a room are orders too.
        ("ChanServ", " fantasy; trigger = \"!\";"),
        ("SaslServ", ""),
        ("OperServ", ""),
    ];
    let services = services.map(|(name, more)| {
        format!(
            "{} {{ nick = \"{name}\"; user = \"{name}\"; host = \"services.test\"; \
             real = \"services\";{more} }};",
            name.to_lowercase()
        )
    });
    format!(
        "{}\n{}\n\
         serverinfo {{ name = \"services.test\"; desc = \"services\"; numeric = \"00S\"; \
         recontime = 1; netname = \"TestNet\"; adminname = \"t\"; adminemail = \"t@test\"; \
         registeremail = \"t@test\"; hidehostsuffix = \"users.test\"; loglevel = {{ all; }}; \
         maxlogins = 50; maxusers = 0; mdlimit = 30; auth = none; casemapping = rfc1459; }};\n\
         uplink \"{}\" {{ host = \"127.0.0.1\"; port = {}; send_password = \"link\"; \
         receive_password = \"link\"; }};\n\
         database {{ }};\ngeneral {{ commit_interval = 5; join_chans; }};\n",
        modules.join("\n"),
        services.join("\n"),
        server.name,
        server.link_port
    )
}

/// In the services' own format; without a module for hashes, passwords stand there as they are.
fn database(accounts: &[Account]) -> String {
    let mut text = "GRVER 1\nDBV 12\nLUID AAAAAZZZZ\nCF +AFHORVabefhioqrstv\n".to_owned();
    for (number, account) in accounts.iter().enumerate() {
        let Account { name, password, certificate } = account;
        // invariant: writing to a String cannot fail.
        let _written = writeln!(
            text,
            "MU AAAAA{number:04} {name} {password} {name}@test.test 1700000000 1700000000 +b default\n\
             MN {name} {name} 1700000000 1700000000"
        );
        if let Some(digits) = certificate {
            let _written = writeln!(text, "MCFP {name} {digits}");
        }
    }
    text
}
