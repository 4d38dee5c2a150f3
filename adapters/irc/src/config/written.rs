//! Values that may be written in a short or a long form. By visitors, as an untagged enum would
//! hide what is wrong and where.
use super::{Channel, Server};
use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use std::{fmt, path::PathBuf};

/// One server, or a list of them.
pub(super) fn servers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Server>, D::Error> {
    struct Servers;

    impl<'de> Visitor<'de> for Servers {
        type Value = Vec<Server>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("HOST or HOST:PORT, or a list of them")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Vec<Server>, E> {
            Ok(vec![text.parse().map_err(E::custom)?])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Server>, A::Error> {
            let mut servers = vec![];
            while let Some(text) = list.next_element::<String>()? {
                servers.push(text.parse().map_err(A::Error::custom)?);
            }
            Ok(servers)
        }
    }

    from.deserialize_any(Servers)
}

impl<'de> Deserialize<'de> for Channel {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Full {
            name: String,
            key: Option<SecretString>,
            key_file: Option<PathBuf>,
            prefix: Option<String>,
        }

        struct Written;

        impl<'de> Visitor<'de> for Written {
            type Value = Channel;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a channel such as \"#art\", or its name, key_file and prefix")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Channel, E> {
                Ok(name.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Channel, A::Error> {
                let Full { name, key, key_file, prefix } =
                    Full::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Channel { name, key, key_file, prefix })
            }
        }

        from.deserialize_any(Written)
    }
}
