//! What both macros share: struct fields, names that are safe as columns, paths and lengths of time.

use proc_macro2::Span;
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, ExprLit, Field, Fields, Ident, Lit, LitStr, Meta,
    Path, Result, Type, parse_quote, punctuated::Punctuated, spanned::Spanned, token::Comma,
};

const MAX_LENGTH: usize = 128;

/// The named fields of a struct without generics.
pub(crate) fn fields<'a>(
    input: &'a DeriveInput,
    derive: &str,
) -> Result<&'a Punctuated<Field, Comma>> {
    if let Some(parameter) = input.generics.params.first() {
        let text = format!("`{derive}` cannot be derived for a struct with generic parameters");
        return Err(Error::new_spanned(parameter, text));
    }
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Ok(&fields.named),
            _ => Err(needs_fields(&input.ident, derive)),
        },
        _ => Err(needs_fields(&input.ident, derive)),
    }
}

fn needs_fields(ident: &Ident, derive: &str) -> Error {
    let text = format!("`{derive}` is derived for a struct with named fields");
    Error::new_spanned(ident, text)
}

/// The column name of a field.
pub(crate) fn column(ident: &Ident) -> Result<String> {
    let name = ident.to_string();
    let name = name.strip_prefix("r#").unwrap_or(&name).to_owned();
    checked(name, ident.span())
}

/// A name by the rule that all names of the SDK keep to.
pub(crate) fn checked(name: String, span: Span) -> Result<String> {
    let safe = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if first && name.len() <= MAX_LENGTH && name.bytes().all(safe) {
        return Ok(name);
    }
    Err(Error::new(
        span,
        "a name has 1 to 128 ASCII letters, digits, `_`, `-` or `.` and does not begin with a digit",
    ))
}

/// `PurchaseLine` as `purchase_line`; a run of capitals stays one word.
pub(crate) fn snake_case(ident: &Ident) -> String {
    let text = ident.to_string();
    let chars: Vec<char> = text.strip_prefix("r#").unwrap_or(&text).chars().collect();
    let mut snake = String::with_capacity(text.len() + 4);
    for (i, c) in chars.iter().enumerate() {
        let after_small = i > 0 && !chars[i - 1].is_uppercase() && chars[i - 1] != '_';
        let before_small = chars.get(i + 1).is_some_and(|next| next.is_lowercase());
        let after_capital = i > 0 && chars[i - 1].is_uppercase();
        if c.is_uppercase() && (after_small || (after_capital && before_small)) {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

/// Where the generated code finds `mlops-features` if no option says so: under the name that the user's own
/// manifest gives it, or inside the facade `mlops` if that is what the manifest has.
pub(crate) fn default_crate() -> Path {
    use proc_macro_crate::{FoundCrate, crate_name};
    let ident = |name: &str| Ident::new(name, Span::call_site());
    if let Ok(FoundCrate::Name(name)) = crate_name("mlops-features") {
        let name = ident(&name);
        return parse_quote!(::#name);
    }
    if let Ok(FoundCrate::Name(name)) = crate_name("mlops") {
        let name = ident(&name);
        return parse_quote!(::#name::features);
    }
    parse_quote!(::mlops_features)
}

/// The path in a `crate = "…"` option.
pub(crate) fn crate_path(text: &LitStr) -> Result<Path> {
    let mut path = text
        .parse_with(Path::parse_mod_style)
        .map_err(|_| Error::new_spanned(text, "`crate` is a path such as \"mlops::features\""))?;
    for segment in &mut path.segments {
        segment.ident.set_span(Span::mixed_site());
    }
    Ok(path)
}

/// Where errors about a type are shown, for code that lints do not take for the user's own.
pub(crate) fn generated_at(ty: &Type) -> Span {
    Span::mixed_site().located_at(ty.span())
}

/// A length of time in microseconds, by the rule of `mlops_core::Span::parse`.
pub(crate) fn micros(text: &LitStr) -> Result<i64> {
    let value = text.value();
    let trimmed = value.trim();
    let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = trimmed.split_at(digits);
    let micros: i64 = match unit {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        "w" => 604_800_000_000,
        _ => 0,
    };
    let length = number
        .parse::<i64>()
        .ok()
        .and_then(|n| n.checked_mul(micros));
    length.filter(|_| micros > 0).ok_or_else(|| {
        Error::new_spanned(
            text,
            "a length of time is a whole number and one of us, ms, s, m, h, d, w, such as \"365d\"",
        )
    })
}

/// The doc comment of a struct or field as one text: lines of a paragraph are joined.
pub(crate) fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let Meta::NameValue(meta) = &attribute.meta else {
            return None;
        };
        match &meta.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) if meta.path.is_ident("doc") => Some(text.value()),
            _ => None,
        }
    });
    let mut doc = String::new();
    for line in lines.flat_map(|text| text.split('\n').map(str::to_owned).collect::<Vec<_>>()) {
        let line = line.trim();
        let separator = match (doc.is_empty(), line.is_empty()) {
            (true, _) => "",
            (false, true) => "\n",
            (false, false) if doc.ends_with('\n') => "",
            (false, false) => " ",
        };
        doc.push_str(separator);
        doc.push_str(line);
    }
    doc.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn struct_names_become_snake_case() {
        let check = |name: &str, expect: &str| {
            assert_eq!(snake_case(&Ident::new(name, Span::call_site())), expect);
        };
        check("Customer", "customer");
        check("PurchaseLine", "purchase_line");
        check("HTTPCall", "http_call");
        check("UserV2", "user_v2");
        check("Already_Split", "already_split");
    }

    #[test]
    fn a_doc_comment_is_one_text() {
        let check = |item: DeriveInput, expect: &str| assert_eq!(doc(&item.attrs), expect);
        check(
            parse_quote!(
                struct A;
            ),
            "",
        );
        check(
            parse_quote!(
                /// One purchase line,
                /// returns included.
                ///
                /// From the tills.
                #[other]
                struct A;
            ),
            "One purchase line, returns included.\nFrom the tills.",
        );
    }

    #[test]
    fn lengths_are_read_as_the_run_time_reads_them() {
        let read = |text: &str| micros(&LitStr::new(text, Span::call_site())).ok();
        assert_eq!(read("365d"), Some(365 * 86_400_000_000));
        assert_eq!(read("0s"), Some(0));
        for bad in ["", "d", "-1d", "1", "1.5h", "1y", "99999999999999w"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
