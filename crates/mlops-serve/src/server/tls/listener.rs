//! Connections that have shaken hands: a listener that hands over no others.
//!
//! Each handshake is a task with a limit of time, and there are so many at once, so that who connects and says nothing
//! keeps nobody waiting for long.

use std::{future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::serve::Listener;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{
        Semaphore,
        mpsc::{Receiver, Sender, channel},
    },
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::Tls;

/// How many handshakes are under way at once.
const AT_ONCE: usize = 512;
/// How long a handshake may take.
const TIME: Duration = Duration::from_secs(10);
/// How long a listener that fails is left alone, for instance while there is no file descriptor left.
const PAUSE: Duration = Duration::from_millis(100);

type Shaken = (TlsStream<TcpStream>, SocketAddr);

/// Listens, and shakes hands.
#[derive(Debug)]
pub(in super::super) struct TlsListener {
    local: SocketAddr,
    shaken: Receiver<Shaken>,
}

impl TlsListener {
    /// Starts to listen; called within the runtime. Dropping it closes the port.
    pub(in super::super) fn new(listener: TcpListener, tls: Tls) -> io::Result<Self> {
        let local = listener.local_addr()?;
        let (sender, shaken) = channel(AT_ONCE);
        let acceptor = TlsAcceptor::from(tls.config());
        tokio::spawn(async move {
            tokio::select! {
                () = accept(listener, acceptor, sender.clone()) => {}
                () = tls.follow() => {}
                () = sender.closed() => {}
            }
        });
        Ok(Self { local, shaken })
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, sender: Sender<Shaken>) {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(turn) = Arc::clone(&turns).acquire_owned().await else {
            return;
        };
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                sleep(PAUSE).await;
                continue;
            }
        };
        // without it a small answer may wait for an acknowledgement
        let _ = stream.set_nodelay(true);
        let (acceptor, sender) = (acceptor.clone(), sender.clone());
        tokio::spawn(async move {
            let _turn = turn;
            // who fails is a scanner or a client of another time: their business
            if let Ok(Ok(stream)) = timeout(TIME, acceptor.accept(stream)).await {
                let _ = sender.send((stream, address)).await;
            }
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Shaken {
        match self.shaken.recv().await {
            Some(shaken) => shaken,
            // nobody accepts any more, which only the end of the runtime brings about
            None => future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }
}
