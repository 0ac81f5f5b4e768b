//! Where Redis is: one server, or the nodes of a cluster.

/// `REDIS_URL`, understood.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// One server, or a managed one behind one address.
    One(String),
    /// Some nodes of a cluster; they name the others.
    Cluster(Vec<String>),
}

impl Address {
    /// Reads `redis://…`, `rediss://…`, `redis+cluster://user:password@node:port,node:port` or `rediss+cluster://…`.
    pub fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        match scheme {
            "redis" | "rediss" => Some(Self::One(url.to_owned())),
            "redis+cluster" | "rediss+cluster" => {
                let scheme = scheme.trim_end_matches("+cluster");
                let (login, nodes) = match rest.rsplit_once('@') {
                    Some((login, nodes)) => (format!("{login}@"), nodes),
                    None => (String::new(), rest),
                };
                let nodes: Vec<_> = nodes
                    .trim_end_matches('/')
                    .split(',')
                    .filter(|node| !node.is_empty())
                    .map(|node| format!("{scheme}://{login}{node}"))
                    .collect();
                (!nodes.is_empty()).then_some(Self::Cluster(nodes))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_of_a_cluster_gets_the_scheme_and_the_login() {
        let cluster = |nodes: &[&str]| {
            Some(Address::Cluster(
                nodes.iter().map(|node| (*node).to_owned()).collect(),
            ))
        };
        for (url, address) in [
            (
                "redis+cluster://a:1,b:2/",
                cluster(&["redis://a:1", "redis://b:2"]),
            ),
            (
                "rediss+cluster://u:p@a:1,b:2",
                cluster(&["rediss://u:p@a:1", "rediss://u:p@b:2"]),
            ),
            ("redis+cluster://", None),
            ("http://a", None),
            ("redis://a", Some(Address::One("redis://a".to_owned()))),
        ] {
            assert!(Address::parse(url) == address, "{url}");
        }
    }
}
