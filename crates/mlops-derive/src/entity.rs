//! `#[derive(Entity)]`: every field of the struct is a key column.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, LitStr, Result};

use crate::names;

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let fields = names::fields(input, "Entity")?;
    let mut krate = names::default_crate();
    let mut name = names::checked(names::snake_case(&input.ident), input.ident.span())?;
    for attribute in input.attrs.iter().filter(|a| a.path().is_ident("entity")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("name") {
                let text: LitStr = meta.value()?.parse()?;
                name = names::checked(text.value(), text.span())?;
            } else if meta.path.is_ident("crate") {
                krate = names::crate_path(&meta.value()?.parse()?)?;
            } else {
                return Err(meta.error("an entity has the options `name` and `crate`"));
            }
            Ok(())
        })?;
    }
    if fields.is_empty() {
        return Err(Error::new_spanned(
            &input.ident,
            "an entity has at least one key field",
        ));
    }

    let ident = &input.ident;
    let columns: Vec<String> = fields
        .iter()
        .map(|field| names::column(field.ident.as_ref().expect("named")))
        .collect::<Result<_>>()?;
    let idents: Vec<_> = fields.iter().map(|field| &field.ident).collect();
    let types: Vec<_> = fields.iter().map(|field| &field.ty).collect();
    Ok(quote! {
        #[automatically_derived]
        impl #krate::EntityRow for #ident {
            const NAME: &'static str = #name;
            const KEYS: &'static [(&'static str, #krate::KeyType)] =
                &[#((#columns, <#types as #krate::KeyValue>::TYPE)),*];

            fn key(&self) -> #krate::private::EntityKey {
                #krate::private::EntityKey::new([
                    #(<#types as #krate::KeyValue>::part(&self.#idents)),*
                ])
            }
        }
    })
}
