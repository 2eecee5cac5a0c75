//! The options of one field of a view.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Field, Ident, LitStr, Path, Result, Type};

use crate::names;

/// One field of the struct with what is stated about it.
pub(crate) struct ViewField<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) ty: &'a Type,
    pub(crate) column: String,
    unit: Option<String>,
    source: Option<String>,
    description: String,
    pii: bool,
}

impl<'a> ViewField<'a> {
    pub(crate) fn parse(field: &'a Field) -> Result<Self> {
        let ident = field.ident.as_ref().expect("named");
        let mut parsed = Self {
            ident,
            ty: &field.ty,
            column: names::column(ident)?,
            unit: None,
            source: None,
            description: names::doc(&field.attrs),
            pii: false,
        };
        let ours = |path: &Path| path.is_ident("view") || path.is_ident("field");
        for attribute in field.attrs.iter().filter(|a| ours(a.path())) {
            attribute.parse_nested_meta(|meta| {
                let option = meta.path.get_ident().map(ToString::to_string);
                let text = || Ok::<_, syn::Error>(meta.value()?.parse::<LitStr>()?.value());
                match option.as_deref() {
                    Some("pii") => parsed.pii = true,
                    Some("unit") => parsed.unit = Some(text()?),
                    Some("from") => parsed.source = Some(text()?),
                    Some("description") => parsed.description = text()?,
                    _ => {
                        return Err(meta.error(
                            "a field of a view has the options `unit`, `from`, `description` and `pii`",
                        ));
                    }
                }
                Ok(())
            })?;
        }
        Ok(parsed)
    }

    /// Its specification at run time.
    pub(crate) fn spec(&self, krate: &Path) -> TokenStream {
        let (column, ty, description, pii) = (&self.column, self.ty, &self.description, self.pii);
        let (unit, source) = (option(self.unit.as_ref()), option(self.source.as_ref()));
        let value = quote_spanned!(names::generated_at(ty)=> <#ty as #krate::FieldValue>);
        quote! {
            #krate::private::FieldSpec {
                name: #column,
                data_type: #value::data_type,
                key: #value::KEY,
                unit: #unit,
                source: #source,
                description: #description,
                pii: #pii,
            }
        }
    }

    /// The name in the source, if it is another.
    pub(crate) fn rename(&self) -> Option<TokenStream> {
        let (column, source) = (&self.column, self.source.as_ref()?);
        Some(quote!((#column, #source)))
    }
}

pub(crate) fn option(text: Option<&String>) -> TokenStream {
    text.map_or_else(
        || quote!(::core::option::Option::None),
        |text| quote!(::core::option::Option::Some(#text)),
    )
}
