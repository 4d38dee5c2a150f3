//! Secrets and files that a configuration names: listed, so that whoever loads it can fill them
//! in by its own rules. Secrets are never printed.
use super::{Config, ConfigError};
use secrecy::SecretString;
use std::{fs, path::PathBuf};

/// A secret that is filled in, or stands alone in a file.
pub struct Secret<'a> {
    pub key: &'static str,
    /// Such as `SASL_PASSWORD`: the end of the variable that may hold it, if one may.
    pub variable: Option<&'static str>,
    pub file: Option<PathBuf>,
    pub value: &'a mut Option<SecretString>,
}

impl Config {
    /// Every secret that this configuration could have.
    pub fn secrets(&mut self) -> Vec<Secret<'_>> {
        let mut found = vec![Secret {
            key: "password_file",
            variable: Some("PASSWORD"),
            file: self.password_file.clone(),
            value: &mut self.password,
        }];
        found.extend(self.sasl.as_mut().map(|sasl| Secret {
            key: "sasl.password_file",
            variable: Some("SASL_PASSWORD"),
            file: sasl.password_file.clone(),
            value: &mut sasl.password,
        }));
        found.extend(self.socks5.as_mut().map(|proxy| Secret {
            key: "socks5.password_file",
            variable: Some("SOCKS5_PASSWORD"),
            file: proxy.password_file.clone(),
            value: &mut proxy.password,
        }));
        let keyed = self.channels.iter_mut().filter(|room| room.key_file.is_some());
        found.extend(keyed.map(|room| Secret {
            key: "channels.key_file",
            variable: None,
            file: room.key_file.clone(),
            value: &mut room.key,
        }));
        found
    }

    /// Other files that it names, by key.
    pub fn files(&mut self) -> Vec<(&'static str, &mut PathBuf)> {
        let named = [
            ("ca_file", &mut self.ca_file),
            ("client_cert_file", &mut self.client_cert_file),
            ("client_key_file", &mut self.client_key_file),
        ];
        named.into_iter().filter_map(|(key, file)| Some((key, file.as_mut()?))).collect()
    }

    /// Reads the files of the secrets that are not filled in yet.
    pub(crate) fn read_secrets(&mut self) -> Result<(), ConfigError> {
        for secret in self.secrets() {
            if let (None, Some(path)) = (&secret.value, secret.file) {
                let text = fs::read_to_string(&path)
                    .map_err(|error| ConfigError::File { path: path.clone(), error })?;
                *secret.value = Some(SecretString::from(text.trim_end_matches(['\r', '\n'])));
            }
        }
        Ok(())
    }
}
