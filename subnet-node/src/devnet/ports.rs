//! Ports from the system, kept until the processes that will listen there are started.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

use super::plan::NodePorts;

/// Ports that nobody else gets as long as this value lives.
///
/// Without it the system could give a port to an outgoing connection before its process listens there.
#[derive(Debug, Default)]
pub struct Kept {
    listeners: Vec<TcpListener>,
    moved: Vec<(u16, u16)>,
}

impl Kept {
    /// A port that is free now.
    ///
    /// # Errors
    /// What the system says when it has none.
    pub fn any(&mut self) -> io::Result<u16> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        self.listeners.push(listener);
        Ok(port)
    }

    /// `port` if it is free, else another; [`Self::moved`] tells.
    ///
    /// # Errors
    /// As [`Self::any`].
    pub fn again(&mut self, port: u16) -> io::Result<u16> {
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            self.listeners.push(listener);
            return Ok(port);
        }
        let other = self.any()?;
        self.moved.push((port, other));
        Ok(other)
    }

    /// Ports for a node.
    ///
    /// # Errors
    /// As [`Self::any`].
    pub fn for_node(&mut self) -> io::Result<NodePorts> {
        Ok(NodePorts { rpc: self.any()?, service: self.any()?, consensus: self.any()?, gossip: self.any()? })
    }

    /// The ports a node had, as far as they are free.
    ///
    /// # Errors
    /// As [`Self::any`].
    pub fn for_node_again(&mut self, ports: NodePorts) -> io::Result<NodePorts> {
        Ok(NodePorts {
            rpc: self.again(ports.rpc)?,
            service: self.again(ports.service)?,
            consensus: self.again(ports.consensus)?,
            gossip: self.again(ports.gossip)?,
        })
    }

    /// Lets go of all ports, right before their processes take them.
    pub fn release(&mut self) {
        self.listeners.clear();
    }

    /// Ports that were taken, each with what stands in for it.
    #[must_use]
    pub fn moved(&self) -> &[(u16, u16)] {
        &self.moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_had_again_unless_somebody_took_it() {
        let mut kept = Kept::default();
        let ports = kept.for_node().unwrap();
        drop(kept);
        let stranger = TcpListener::bind((Ipv4Addr::LOCALHOST, ports.service)).unwrap();
        let mut kept = Kept::default();
        let again = kept.for_node_again(ports).unwrap();
        assert_eq!((again.rpc, again.consensus, again.gossip), (ports.rpc, ports.consensus, ports.gossip));
        assert_ne!(again.service, ports.service);
        assert_eq!(kept.moved(), [(ports.service, again.service)]);
        drop(stranger);
    }
}
