//! Names of Arrow types in files: stable, whatever a release of Arrow prints. They are PyArrow's.

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, TimeUnit};

const PLAIN: [(&str, DataType); 21] = [
    ("bool", DataType::Boolean),
    ("int8", DataType::Int8),
    ("int16", DataType::Int16),
    ("int32", DataType::Int32),
    ("int64", DataType::Int64),
    ("uint8", DataType::UInt8),
    ("uint16", DataType::UInt16),
    ("uint32", DataType::UInt32),
    ("uint64", DataType::UInt64),
    ("float", DataType::Float32),
    ("double", DataType::Float64),
    ("string", DataType::Utf8),
    ("large_string", DataType::LargeUtf8),
    ("string_view", DataType::Utf8View),
    ("binary", DataType::Binary),
    ("large_binary", DataType::LargeBinary),
    ("binary_view", DataType::BinaryView),
    ("date32[day]", DataType::Date32),
    ("date64[ms]", DataType::Date64),
    ("halffloat", DataType::Float16),
    ("null", DataType::Null),
];

const UNITS: [(&str, TimeUnit); 4] = [
    ("s", TimeUnit::Second),
    ("ms", TimeUnit::Millisecond),
    ("us", TimeUnit::Microsecond),
    ("ns", TimeUnit::Nanosecond),
];

/// The name of a type, for instance `timestamp[us, tz=UTC]`; other types have Arrow's own.
pub(crate) fn type_name(data_type: &DataType) -> String {
    if let Some((name, _)) = PLAIN.iter().find(|(_, known)| known == data_type) {
        return (*name).to_owned();
    }
    let unit = |unit: &TimeUnit| {
        UNITS
            .iter()
            .find(|(_, known)| known == unit)
            .map_or("", |u| u.0)
    };
    match data_type {
        DataType::Timestamp(of, None) => format!("timestamp[{}]", unit(of)),
        DataType::Timestamp(of, Some(zone)) => format!("timestamp[{}, tz={zone}]", unit(of)),
        DataType::Duration(of) => format!("duration[{}]", unit(of)),
        DataType::Decimal128(precision, scale) => format!("decimal128({precision}, {scale})"),
        DataType::FixedSizeBinary(size) => format!("fixed_size_binary[{size}]"),
        other => other.to_string(),
    }
}

/// The type of a name that [`type_name`] gave to a type that fields or keys can have.
pub(crate) fn parse_type(name: &str) -> Option<DataType> {
    if let Some((_, known)) = PLAIN.iter().find(|(known, _)| *known == name) {
        return Some(known.clone());
    }
    let inside = |open: &str, close: &str| name.strip_prefix(open)?.strip_suffix(close);
    let unit = |name: &str| UNITS.iter().find(|(known, _)| *known == name).map(|u| u.1);
    if let Some(text) = inside("timestamp[", "]") {
        return Some(match text.split_once(", tz=") {
            Some((of, zone)) => DataType::Timestamp(unit(of)?, Some(zone.into())),
            None => DataType::Timestamp(unit(text)?, None),
        });
    }
    if let Some(text) = inside("duration[", "]") {
        return unit(text).map(DataType::Duration);
    }
    if let Some(text) = inside("decimal128(", ")") {
        let (precision, scale) = text.split_once(", ")?;
        let precision: u8 = precision.parse().ok()?;
        let scale: i8 = scale.parse().ok()?;
        let fits = (1..=DECIMAL128_MAX_PRECISION).contains(&precision)
            && u8::try_from(scale).is_ok_and(|scale| scale <= precision);
        return fits.then_some(DataType::Decimal128(precision, scale));
    }
    let size = inside("fixed_size_binary[", "]")?.parse().ok()?;
    (size > 0).then_some(DataType::FixedSizeBinary(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_survives_its_name() {
        let mut types: Vec<DataType> = PLAIN.iter().map(|(_, known)| known.clone()).collect();
        for (_, unit) in UNITS {
            types.push(DataType::Timestamp(unit, None));
            types.push(DataType::Timestamp(unit, Some("Europe/London".into())));
            types.push(DataType::Duration(unit));
        }
        types.push(DataType::Decimal128(38, 0));
        types.push(DataType::FixedSizeBinary(16));
        for data_type in types {
            assert_eq!(parse_type(&type_name(&data_type)), Some(data_type));
        }
    }

    #[test]
    fn other_names_are_no_types() {
        for bad in [
            "",
            "int",
            "Int64",
            "timestamp[]",
            "timestamp[us",
            "timestamp[m]",
            "decimal128(39, 0)",
            "decimal128(9, 10)",
            "decimal128(9, -1)",
            "fixed_size_binary[0]",
            "fixed_size_binary[-1]",
            "list<int64>",
        ] {
            assert_eq!(parse_type(bad), None, "{bad}");
        }
    }
}
