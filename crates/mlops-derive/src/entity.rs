//! `#[derive(Entity)]`: every field of the struct is a key column.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, DeriveInput, Error, LitStr, Result};

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

    let notes = fields.iter().map(|field| note(&field.attrs));
    let notes = notes.collect::<Result<Vec<_>>>()?;
    let description = names::doc(&input.attrs);
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
            const DESCRIPTION: &'static str = #description;
            const NOTES: &'static [(&'static str, bool)] = &[#(#notes),*];

            fn key(&self) -> #krate::private::EntityKey {
                #krate::private::EntityKey::new([
                    #(<#types as #krate::KeyValue>::part(&self.#idents)),*
                ])
            }
        }
    })
}

/// What people read about a key: the doc comment or what is stated, and whether it is personal data.
fn note(attributes: &[Attribute]) -> Result<TokenStream> {
    let (mut description, mut pii) = (names::doc(attributes), false);
    for attribute in attributes.iter().filter(|a| a.path().is_ident("entity")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("pii") {
                pii = true;
            } else if meta.path.is_ident("description") {
                let text: LitStr = meta.value()?.parse()?;
                description = text.value();
            } else {
                return Err(meta.error("a key has the options `pii` and `description`"));
            }
            Ok(())
        })?;
    }
    Ok(quote!((#description, #pii)))
}
