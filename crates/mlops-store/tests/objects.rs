//! Objects by URL: files and memory behave alike.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use mlops_core::ErrorKind;
use mlops_store::{Error, ListLimits, Location, Objects};

fn check_all(check: impl Fn(&str, &dyn Fn(&str) -> Location)) {
    let dir = tempfile::tempdir().unwrap();
    let objects = Objects::new();
    let root = dir.path().display();
    check("memory", &|path| {
        objects.locate(&format!("memory://root/{path}")).unwrap()
    });
    check("path", &|path| {
        objects.locate(&format!("{root}/{path}")).unwrap()
    });
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().display();
    check("url", &|path| {
        objects.locate(&format!("file://{root}/{path}")).unwrap()
    });
}

#[test]
fn ranges_are_read_wherever_an_object_lies() {
    check_all(|name, at| {
        let bytes: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        at("a/b.bin").put(bytes.clone()).unwrap();
        let reader = at("a/b.bin").open().unwrap();
        assert_eq!(reader.size(), bytes.len() as u64, "{name}");
        assert_eq!(
            reader.get_range(400..412).unwrap(),
            bytes[400..412],
            "{name}"
        );
        assert!(reader.get_range(7..7).unwrap().is_empty(), "{name}");
        let ranges = [399_990..400_000, 5..5, 0..4, 2..8];
        let read = reader.get_ranges(&ranges).unwrap();
        for (range, read) in ranges.iter().zip(read) {
            let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
            assert_eq!(read, bytes[range], "{name}");
        }
        assert!(reader.bytes_read() >= 12 + 10 + 8, "{name}");
        for bad in [0..400_001, 400_001..400_001, u64::MAX..u64::MAX] {
            let error = reader.get_range(bad).unwrap_err();
            assert!(
                matches!(error, Error::Range { size: 400_000, .. }),
                "{name}: {error}"
            );
            assert_eq!(error.kind(), ErrorKind::Invalid);
        }
        #[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
        let backwards = reader.get_range(9..8).unwrap_err();
        assert!(matches!(backwards, Error::Range { .. }), "{name}");
    });
}

#[test]
fn a_listing_is_sorted_and_bounded() {
    check_all(|name, at| {
        for path in ["b/x=1/2", "b/x=1/1", "a=b", "b-c", "z/y/x/w"] {
            at(path).put(path.as_bytes().to_vec()).unwrap();
        }
        let root = at("");
        let listed = root.list(ListLimits::default()).unwrap();
        let paths: Vec<&str> = listed.iter().map(|l| l.path.as_str()).collect();
        assert_eq!(
            paths,
            ["a=b", "b-c", "b/x=1/1", "b/x=1/2", "z/y/x/w"],
            "{name}"
        );
        for listed in &listed {
            let bytes = listed
                .location
                .open()
                .unwrap()
                .get_range(0..listed.size)
                .unwrap();
            assert_eq!(bytes, listed.path.as_bytes(), "{name}: {}", listed.location);
        }
        let limit = |limits: ListLimits| root.list(limits).map(|listed| listed.len());
        assert_eq!(
            limit(ListLimits::default().objects(5).depth(3)).unwrap(),
            5,
            "{name}"
        );
        for limits in [
            ListLimits::default().objects(4),
            ListLimits::default().depth(2),
        ] {
            let error = limit(limits).unwrap_err();
            assert!(matches!(error, Error::ListLimit { .. }), "{name}: {error}");
        }
    });
}

#[test]
fn what_is_not_there_is_not_found() {
    check_all(|name, at| {
        let error = at("nothing").open().unwrap_err();
        assert!(matches!(error, Error::NoObject { .. }), "{name}: {error}");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{name}");
        assert!(error.to_string().contains("nothing"), "{name}");
    });
}

#[test]
fn an_object_that_is_replaced_is_not_read_as_two() {
    let objects = Objects::new();
    let place = objects.locate("memory://a").unwrap();
    place.put(vec![1; 1_000]).unwrap();
    let reader = place.open().unwrap();
    assert_eq!(reader.get_range(0..4).unwrap()[..], [1; 4]);
    place.put(vec![2; 1_000]).unwrap();
    let error = reader.get_range(4..8).unwrap_err();
    assert!(matches!(error, Error::Changed { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Conflict);

    let dir = tempfile::tempdir().unwrap();
    let place = Location::file(dir.path().join("a"));
    place.put(vec![1; 1_000]).unwrap();
    let reader = place.open().unwrap();
    // the old file stays open, as the new one takes its name
    place.put(vec![2; 500]).unwrap();
    assert_eq!(reader.get_range(900..904).unwrap()[..], [1; 4]);
    let reader = place.open().unwrap();
    std::fs::write(dir.path().join("a"), b"short").unwrap();
    assert!(matches!(
        reader.get_range(0..500),
        Err(Error::Changed { .. })
    ));
}

#[test]
fn near_ranges_are_one_request_and_far_ones_are_not() {
    let objects = Objects::new();
    let place = objects.locate("memory://a").unwrap();
    place.put(vec![0; 4 << 20]).unwrap();
    let reader = place.open().unwrap();
    reader
        .get_ranges(&[0..100, 1_000..1_100, 3 << 20..(3 << 20) + 10])
        .unwrap();
    assert_eq!((reader.requests(), reader.bytes_read()), (2, 1_110));
}
