//! The Rust types that fields of a view can have.

use arrow::datatypes::DataType;
use mlops_core::{Date, EventTime, Uuid};

use crate::{FieldValue, KeyType, view::hex_text};

macro_rules! fields {
    ($($type:ty => $base:ty, $arrow:ident, $key:expr;)*) => {$(
        impl FieldValue for $type {
            type Base = $base;
            const KEY: Option<KeyType> = $key;
            fn data_type() -> DataType {
                DataType::$arrow
            }
            fn widen(&self) -> Option<$base> {
                Some(<$base>::from(self.clone()))
            }
        }
    )*};
}
fields! {
    i8 => i64, Int8, Some(KeyType::Int);
    i16 => i64, Int16, Some(KeyType::Int);
    i32 => i64, Int32, Some(KeyType::Int);
    i64 => i64, Int64, Some(KeyType::Int);
    u8 => i64, UInt8, Some(KeyType::Int);
    u16 => i64, UInt16, Some(KeyType::Int);
    u32 => i64, UInt32, Some(KeyType::Int);
    f32 => f64, Float32, None;
    f64 => f64, Float64, None;
    String => String, Utf8, Some(KeyType::Str);
    bool => bool, Boolean, Some(KeyType::Bool);
}

impl FieldValue for EventTime {
    type Base = Self;
    const KEY: Option<KeyType> = None;
    fn data_type() -> DataType {
        Self::data_type()
    }
    fn widen(&self) -> Option<Self> {
        Some(*self)
    }
}

/// A day is its midnight in UTC where it is computed with.
impl FieldValue for Date {
    type Base = EventTime;
    const KEY: Option<KeyType> = Some(KeyType::Date);
    fn data_type() -> DataType {
        DataType::Date32
    }
    fn widen(&self) -> Option<EventTime> {
        let days = i64::from(self.days());
        Some(EventTime::from_seconds(days * 86_400))
    }
}

impl FieldValue for Uuid {
    type Base = String;
    const KEY: Option<KeyType> = Some(KeyType::Uuid);
    fn data_type() -> DataType {
        DataType::FixedSizeBinary(16)
    }
    fn widen(&self) -> Option<String> {
        Some(hex_text(self.as_bytes()))
    }
}

impl FieldValue for Vec<u8> {
    type Base = String;
    const KEY: Option<KeyType> = None;
    fn data_type() -> DataType {
        DataType::Binary
    }
    fn widen(&self) -> Option<String> {
        Some(hex_text(self))
    }
}

impl<T: FieldValue> FieldValue for Option<T> {
    type Base = T::Base;
    const KEY: Option<KeyType> = T::KEY;
    fn data_type() -> DataType {
        T::data_type()
    }
    fn widen(&self) -> Option<T::Base> {
        self.as_ref().and_then(T::widen)
    }
}
