//! The clauses of the trait itself.

use std::sync::Arc;

use mlops_core::{EntityKey, KeyPart};

use super::{Case, ensure, text};
use crate::{
    Error,
    online::{Change, OnlineStore, StoreKey, TableId},
};

type Store = Arc<dyn OnlineStore>;
type Held = Vec<Option<Vec<u8>>>;

fn table(store: &Store, name: &str) -> Result<TableId, String> {
    let table = TableId::new(format!("conformance-{name}@0"));
    store.clear(&table).map_err(text)?;
    Ok(table)
}

fn key(i: i64) -> StoreKey {
    StoreKey::new(&EntityKey::from(i))
}

fn read(store: &Store, table: &TableId, keys: &[StoreKey]) -> Result<Held, String> {
    let mut all = Vec::new();
    let done = store.read(table, keys, &mut |at, bytes| {
        // a position out of turn shows as a hole
        all.resize_with(all.len().max(at), || None);
        all.push(bytes.map(<[u8]>::to_vec));
        Ok(())
    });
    done.map_err(text)?;
    Ok(all)
}

fn put(store: &Store, table: &TableId, key: StoreKey, bytes: &[u8]) -> Result<(), String> {
    let done = store.update(table, &[key], &mut |_, _| Ok(Change::Put(bytes.to_vec())));
    done.map_err(text)
}

pub(super) const EMPTY_TABLE: Case = Case {
    name: "a table that nobody wrote to is empty",
    check: |store| {
        let table = table(store, "empty")?;
        let held = read(store, &table, &[key(1), key(2)])?;
        ensure(held == [None, None], || format!("{held:?}"))?;
        let keys = store.keys(&table).map_err(text)?;
        ensure(keys.is_empty(), || format!("{keys:?}"))?;
        let removed = store.remove(&table, &[key(1)]).map_err(text)?;
        ensure(removed == 0, || format!("{removed} were removed"))
    },
};

pub(super) const BACK_AS_WRITTEN: Case = Case {
    name: "bytes come back as they were written, whatever they are, and empty is not missing",
    check: |store| {
        let table = table(store, "bytes")?;
        let all: Vec<u8> = (0..=255).collect();
        let cases = [
            &[][..],
            b"\0",
            b"0",
            &all,
            &all.repeat(4096),
            "é\r\n*1\r\n".as_bytes(),
        ];
        for (i, bytes) in (0..).zip(cases) {
            put(store, &table, key(i), bytes)?;
        }
        for (i, bytes) in (0..).zip(cases) {
            let held = read(store, &table, &[key(i)])?;
            let right = held == [Some(bytes.to_vec())];
            ensure(right, || {
                format!("the {} bytes of case {i} differ", bytes.len())
            })?;
        }
        Ok(())
    },
};

pub(super) const KEEP: Case = Case {
    name: "a decision sees the present bytes and can leave them",
    check: |store| {
        let table = table(store, "keep")?;
        put(store, &table, key(1), b"old")?;
        let mut seen = Vec::new();
        let keys = [key(1), key(2)];
        let done = store.update(&table, &keys, &mut |at, bytes| {
            seen.push((at, bytes.map(<[u8]>::to_vec)));
            Ok(Change::Keep)
        });
        done.map_err(text)?;
        let expected = [(0, Some(b"old".to_vec())), (1, None)];
        ensure(seen == expected, || format!("{seen:?}"))?;
        let held = read(store, &table, &keys)?;
        ensure(held == [Some(b"old".to_vec()), None], || {
            format!("{held:?}")
        })
    },
};

pub(super) const ORDER: Case = Case {
    name: "a read answers each position once and in order, repeated keys too",
    check: |store| {
        let table = table(store, "order")?;
        put(store, &table, key(1), b"one")?;
        put(store, &table, key(3), b"three")?;
        let held = read(store, &table, &[3, 1, 2, 3, 1].map(key))?;
        let (one, three) = (Some(b"one".to_vec()), Some(b"three".to_vec()));
        let expected = [three.clone(), one.clone(), None, three, one];
        ensure(held == expected, || format!("{held:?}"))?;
        let none = read(store, &table, &[])?;
        ensure(none.is_empty(), || format!("{none:?} for no key"))
    },
};

pub(super) const NOT_GLUED: Case = Case {
    name: "keys that read alike are different keys",
    check: |store| {
        let table = table(store, "glue")?;
        let text = KeyPart::from("1");
        let keys = [
            EntityKey::new(["1".into(), "23".into()]),
            EntityKey::new(["12".into(), "3".into()]),
            EntityKey::new(["123".into()]),
            EntityKey::new([KeyPart::Int(1)]),
            EntityKey::new([text.clone()]),
            EntityKey::new([KeyPart::Bool(true)]),
            EntityKey::new([text, "".into()]),
            EntityKey::new(["".into(), "1".into()]),
            EntityKey::new(["1:2".into()]),
            EntityKey::new(["1\0".into()]),
            EntityKey::new(["*".into()]),
            EntityKey::new([]),
        ];
        let keys: Vec<StoreKey> = keys.iter().map(StoreKey::new).collect();
        for (i, key) in (0_u8..).zip(&keys) {
            put(store, &table, key.clone(), &[i])?;
        }
        let held = read(store, &table, &keys)?;
        let own = (0_u8..)
            .zip(&held)
            .all(|(i, bytes)| *bytes == Some(vec![i]));
        ensure(own, || format!("{held:?}"))?;
        let mut listed = store.keys(&table).map_err(super::text)?;
        listed.sort_unstable();
        let mut keys = keys;
        keys.sort_unstable();
        ensure(listed == keys, || format!("listed {listed:?}"))
    },
};

pub(super) const APART: Case = Case {
    name: "tables share nothing",
    check: |store| {
        let (a, b) = (table(store, "a")?, table(store, "ab")?);
        put(store, &a, key(1), b"a")?;
        put(store, &b, key(1), b"b")?;
        put(store, &b, key(2), b"b")?;
        store.clear(&a).map_err(text)?;
        let held = (
            read(store, &a, &[key(1)])?,
            read(store, &b, &[key(1), key(2)])?,
        );
        let b = Some(b"b".to_vec());
        ensure(held == (vec![None], vec![b.clone(), b]), || {
            format!("{held:?}")
        })
    },
};

pub(super) const MANY_KEYS: Case = Case {
    name: "a call of many keys is answered like many calls",
    check: |store| {
        let table = table(store, "many")?;
        let keys: Vec<StoreKey> = (0..2_500).map(key).collect();
        let done = store.update(&table, &keys, &mut |at, _| {
            Ok(Change::Put(at.to_le_bytes().to_vec()))
        });
        done.map_err(text)?;
        let held = read(store, &table, &keys)?;
        let wrong = held
            .iter()
            .enumerate()
            .find(|(at, bytes)| bytes.as_deref() != Some(at.to_le_bytes().as_slice()));
        ensure(wrong.is_none(), || format!("{wrong:?}"))?;
        let listed = store.keys(&table).map_err(text)?.len();
        ensure(listed == keys.len(), || format!("{listed} keys are listed"))
    },
};

pub(super) const REFUSED: Case = Case {
    name: "the error of a decision comes back and that key stays as it was",
    check: |store| {
        let table = table(store, "refused")?;
        put(store, &table, key(1), b"old")?;
        let done = store.update(&table, &[key(1)], &mut |_, _| {
            Err(Error::NoHistory {
                view: "refused".to_owned(),
            })
        });
        let right = matches!(&done, Err(Error::NoHistory { view }) if view == "refused");
        ensure(right, || format!("{done:?}"))?;
        put(store, &table, key(2), b"still works")?;
        let held = read(store, &table, &[key(1)])?;
        ensure(held == [Some(b"old".to_vec())], || format!("{held:?}"))
    },
};

pub(super) const REMOVED: Case = Case {
    name: "a removed key is missing, and the call says how many there were",
    check: |store| {
        let table = table(store, "removed")?;
        put(store, &table, key(1), b"x")?;
        put(store, &table, key(2), b"x")?;
        let removed = store.remove(&table, &[key(1), key(9)]).map_err(text)?;
        ensure(removed == 1, || format!("{removed} were removed"))?;
        let held = read(store, &table, &[key(1), key(2)])?;
        ensure(held == [None, Some(b"x".to_vec())], || format!("{held:?}"))
    },
};

pub(super) const CLEARED: Case = Case {
    name: "a cleared table is empty and can be written again",
    check: |store| {
        let table = table(store, "cleared")?;
        put(store, &table, key(1), b"x")?;
        store.clear(&table).map_err(text)?;
        let keys = store.keys(&table).map_err(text)?;
        ensure(keys.is_empty(), || format!("{keys:?}"))?;
        put(store, &table, key(1), b"y")?;
        let held = read(store, &table, &[key(1)])?;
        ensure(held == [Some(b"y".to_vec())], || format!("{held:?}"))
    },
};

const WRITERS: u64 = 4;
const ROUNDS: u64 = 100;

pub(super) const RACE: Case = Case {
    name: "no update is lost among racing writers",
    check: |store| {
        let table = table(store, "race")?;
        let keys = [key(1), key(2)];
        let add = || {
            store.update(&table, &keys, &mut |_, bytes| {
                let known = bytes.and_then(|bytes| bytes.try_into().ok());
                let next = known.map_or(0, u64::from_le_bytes) + 1;
                Ok(Change::Put(next.to_le_bytes().to_vec()))
            })
        };
        let all: Result<(), Error> = std::thread::scope(|scope| {
            let writer = || (0..ROUNDS).try_for_each(|_| add());
            let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(writer)).collect();
            let mut done = writers.into_iter();
            done.try_for_each(|writer| writer.join().expect("a writer returns its error"))
        });
        all.map_err(text)?;
        let held = read(store, &table, &keys)?;
        let all = Some((WRITERS * ROUNDS).to_le_bytes().to_vec());
        ensure(held == [all.clone(), all], || format!("{held:?}"))
    },
};

pub(super) const WHOLE: Case = Case {
    name: "a read never sees half a write",
    check: |store| {
        let table = table(store, "whole")?;
        let write = |round: u8| put(store, &table, key(1), &vec![round; 64 + usize::from(round)]);
        write(0)?;
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| (1..=100).try_for_each(write));
            while !writer.is_finished() {
                let held = read(store, &table, &[key(1)])?;
                let Some(Some(bytes)) = held.first() else {
                    return Err("the key was missing for a moment".to_owned());
                };
                let round = bytes.first().copied().unwrap_or_default();
                let whole = bytes.len() == 64 + usize::from(round);
                ensure(whole && bytes.iter().all(|byte| *byte == round), || {
                    format!("{bytes:?}")
                })?;
            }
            writer.join().expect("a writer returns its error")
        })
    },
};
