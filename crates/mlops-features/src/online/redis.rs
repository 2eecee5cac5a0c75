//! An online store in a Redis server: shared by machines.
//!
//! A state is one string under `<prefix>:<table>:` and the bytes of its key. A script on the server
//! replaces it only while it is what the writer saw; a writer that was too late reads again, merges again
//! and tries again. So an older write never wins, however writers race, and no lock is held anywhere.
//!
//! Neither prefix nor table name can hold a colon and keys are typed and length-prefixed
//! ([`StoreKey`]), so that no two states share a name.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ::redis::{Client, Connection, RedisError, RedisResult, Script};

use super::{
    StoreKey,
    store::{Change, Decide, Found, OnlineStore, TableId},
};
use crate::{Error, Result};

/// Keys in one round trip: larger calls are cut, so that no reply grows without bound.
const CHUNK: usize = 1024;
/// In each round at least one of the racing writers of a key gets through.
const ATTEMPTS: u32 = 256;
/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
const IDLE: usize = 16;

const SWAP: &str = r"
local present = redis.call('GET', KEYS[1])
if ARGV[1] == '0' then
    if present then return 0 end
elseif present ~= ARGV[2] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[3])
return 1";

/// States in a Redis server of version 2.6 or newer; a clone shares the connections.
///
/// What was written survives this process. Whether it survives the server is the server's own setting
/// (`appendonly`); its eviction must be off (`maxmemory-policy noeviction`), for an evicted state reads as
/// one that was never written.
#[derive(Clone)]
pub struct RedisStore(Arc<Inner>);

struct Inner {
    client: Client,
    prefix: String,
    swap: Script,
    idle: Mutex<Vec<Connection>>,
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // the address may carry a password
        write!(f, "RedisStore({})", self.0.prefix)
    }
}

impl RedisStore {
    /// Connects to a server, `redis://127.0.0.1:6379/0`; stores with different prefixes share nothing.
    ///
    /// # Errors
    /// [`Error::OnlineStore`] if the address is none or the server does not answer,
    /// [`Error::InvalidParameter`] if the prefix is not letters, digits, `_`, `-` and `.`.
    pub fn connect(address: &str, prefix: &str) -> Result<Self> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if prefix.is_empty() || prefix.len() > 128 || !prefix.chars().all(fits) {
            return Err(Error::InvalidParameter {
                parameter: "prefix",
                value: prefix.chars().take(128).collect(),
                rule: "it has 1 to 128 letters, digits, `_`, `-` and `.`",
            });
        }
        let failed = |error: RedisError| failed("reach", prefix, &error);
        let store = Self(Arc::new(Inner {
            client: Client::open(address).map_err(failed)?,
            prefix: prefix.to_owned(),
            swap: Script::new(SWAP),
            idle: Mutex::default(),
        }));
        let connection = store.fresh().map_err(failed)?;
        store.give_back(connection);
        Ok(store)
    }

    fn fresh(&self) -> RedisResult<Connection> {
        let mut connection = self.0.client.get_connection_with_timeout(PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.set_write_timeout(Some(PATIENCE))?;
        self.0.swap.load(&mut connection)?;
        Ok(connection)
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(connection);
        }
    }

    /// Runs commands that may be run twice: on a connection that the server has closed, once more.
    fn with<T>(&self, work: impl Fn(&mut Connection) -> RedisResult<T>) -> RedisResult<T> {
        let idle = self
            .0
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        if let Some(mut connection) = idle {
            match work(&mut connection) {
                Ok(done) => {
                    self.give_back(connection);
                    return Ok(done);
                }
                Err(error) if error.is_io_error() || forgot_script(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let mut connection = self.fresh()?;
        let done = work(&mut connection)?;
        self.give_back(connection);
        Ok(done)
    }

    fn name(&self, table: &TableId, key: &StoreKey) -> Vec<u8> {
        let mut name = self.start(table);
        name.extend(key.as_bytes());
        name
    }

    fn start(&self, table: &TableId) -> Vec<u8> {
        format!("{}:{table}:", self.0.prefix).into_bytes()
    }

    fn get_all(&self, names: &[Vec<u8>]) -> RedisResult<Vec<Option<Vec<u8>>>> {
        self.with(|connection| ::redis::cmd("MGET").arg(names).query(connection))
    }

    /// Puts each value whose present one is as expected; which were put.
    fn swap_all(&self, swaps: &[Swap<'_>]) -> RedisResult<Vec<bool>> {
        self.with(|connection| {
            let mut pipe = ::redis::pipe();
            for swap in swaps {
                let (known, old) = match swap.old {
                    Some(old) => ("1", old),
                    None => ("0", &[][..]),
                };
                pipe.cmd("EVALSHA").arg(self.0.swap.get_hash()).arg(1);
                pipe.arg(swap.name).arg(known).arg(old).arg(&swap.new);
            }
            pipe.query(connection)
        })
    }

    fn names(&self, table: &TableId) -> RedisResult<Vec<Vec<u8>>> {
        let start = self.start(table);
        let mut pattern = start.clone();
        pattern.push(b'*');
        let mut all: Vec<Vec<u8>> = self.with(|connection| {
            let (mut all, mut cursor) = (Vec::new(), 0_u64);
            loop {
                let mut scan = ::redis::cmd("SCAN");
                scan.arg(cursor)
                    .arg("MATCH")
                    .arg(&pattern)
                    .arg("COUNT")
                    .arg(CHUNK);
                let (next, some): (u64, Vec<Vec<u8>>) = scan.query(connection)?;
                all.extend(some);
                cursor = next;
                if cursor == 0 {
                    return Ok(all);
                }
            }
        })?;
        // a scan may show a key twice
        all.retain(|name| name.starts_with(&start));
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    fn unlink(&self, names: &[Vec<u8>]) -> RedisResult<u64> {
        let mut removed = 0;
        for some in names.chunks(CHUNK) {
            removed += self.with(|connection| {
                let done: RedisResult<u64> = ::redis::cmd("DEL").arg(some).query(connection);
                done
            })?;
        }
        Ok(removed)
    }
}

struct Swap<'a> {
    name: &'a [u8],
    old: Option<&'a [u8]>,
    new: Vec<u8>,
}

fn forgot_script(error: &RedisError) -> bool {
    error.code() == Some("NOSCRIPT")
}

fn failed(action: &'static str, table: &str, error: &RedisError) -> Error {
    Error::OnlineStore {
        store: "Redis",
        action,
        table: table.to_owned(),
        reason: error.to_string(),
    }
}

impl OnlineStore for RedisStore {
    fn kind(&self) -> &'static str {
        "Redis"
    }

    fn is_durable(&self) -> bool {
        true
    }

    fn read(&self, table: &TableId, keys: &[StoreKey], found: &mut Found<'_>) -> Result<()> {
        for (chunk, some) in keys.chunks(CHUNK).enumerate() {
            let names: Vec<_> = some.iter().map(|key| self.name(table, key)).collect();
            let values = self.get_all(&names);
            let values = values.map_err(|error| failed("read", table.as_str(), &error))?;
            for (at, value) in values.iter().enumerate() {
                found(chunk * CHUNK + at, value.as_deref())?;
            }
        }
        Ok(())
    }

    fn update(&self, table: &TableId, keys: &[StoreKey], decide: &mut Decide<'_>) -> Result<()> {
        let broken = |error: RedisError| failed("write", table.as_str(), &error);
        let mut waiting: Vec<usize> = (0..keys.len()).collect();
        for _ in 0..ATTEMPTS {
            let mut late = Vec::new();
            for some in waiting.chunks(CHUNK) {
                let names: Vec<_> = some.iter().map(|at| self.name(table, &keys[*at])).collect();
                let values = self.get_all(&names).map_err(broken)?;
                let (mut swaps, mut asked) = (Vec::new(), Vec::new());
                for ((at, name), old) in some.iter().zip(&names).zip(&values) {
                    let old = old.as_deref();
                    if let Change::Put(new) = decide(*at, old)? {
                        swaps.push(Swap { name, old, new });
                        asked.push(*at);
                    }
                }
                if !swaps.is_empty() {
                    let put = self.swap_all(&swaps).map_err(broken)?;
                    let refused = asked.iter().zip(put).filter(|(_, put)| !put);
                    late.extend(refused.map(|(at, _)| *at));
                }
            }
            if late.is_empty() {
                return Ok(());
            }
            waiting = late;
        }
        Err(Error::OnlineContention {
            table: table.to_string(),
            key: keys[waiting[0]].to_string(),
            attempts: ATTEMPTS,
        })
    }

    fn remove(&self, table: &TableId, keys: &[StoreKey]) -> Result<u64> {
        let names: Vec<_> = keys.iter().map(|key| self.name(table, key)).collect();
        let removed = self.unlink(&names);
        removed.map_err(|error| failed("remove from", table.as_str(), &error))
    }

    fn clear(&self, table: &TableId) -> Result<()> {
        let names = self.names(table);
        let removed = names.and_then(|names| self.unlink(&names));
        removed.map_err(|error| failed("clear", table.as_str(), &error))?;
        Ok(())
    }

    fn keys(&self, table: &TableId) -> Result<Vec<StoreKey>> {
        let start = self.start(table).len();
        let names = self.names(table);
        let names = names.map_err(|error| failed("list", table.as_str(), &error))?;
        let keys = names.into_iter();
        Ok(keys
            .map(|name| StoreKey::from_bytes(&name[start..]))
            .collect())
    }
}
